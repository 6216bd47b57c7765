import json
import re
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from kfp import components as kfp_components

from components import images
from lab_lens.config import parse_config
from lab_lens.errors import InputError
from pipelines.compile import CompileOptions, compile_pipeline
from pipelines.image_references import FAMILIES, ImageReferences

PREFIX = "europe-west4-docker.pkg.dev/clinic/lab-lens"
DIGESTS = {family: f"{PREFIX}/lab-lens-{family}@sha256:{number:064x}" for number, family in enumerate(FAMILIES, 10)}


def executors_of(document: Path) -> dict[str, Any]:
    (content,) = yaml.safe_load_all(document.read_text(encoding="utf-8"))
    executors: dict[str, Any] = content["deploymentSpec"]["executors"]
    return executors


def images_of(document: Path) -> set[str]:
    return {executor["container"]["image"] for executor in executors_of(document).values()}


def digests_file(folder: Path, content: Any) -> Path:
    path = folder / "digests.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def problems_of(folder: Path, content: Any) -> tuple[str, ...]:
    with pytest.raises(InputError) as refused:
        ImageReferences.from_digests_file(digests_file(folder, content))
    return refused.value.problems


def test_a_prefix_and_a_tag_name_the_image_of_every_family(tmp_path: Path) -> None:
    references = ImageReferences.from_prefix(PREFIX, "v1.2")
    out = compile_pipeline(tmp_path / "pipeline.yaml", CompileOptions(images=references))
    assert images_of(out) == {f"{PREFIX}/lab-lens-{family}:v1.2" for family in FAMILIES}
    assert executors_of(out)["exec-train-model"]["container"]["image"] == f"{PREFIX}/lab-lens-trainer:v1.2"
    assert kfp_components.load_component_from_file(str(out)).name == "lab-lens-model-development"


def test_only_images_differ_from_the_document_without_references(tmp_path: Path) -> None:
    plain = compile_pipeline(tmp_path / "plain.yaml").read_text(encoding="utf-8")
    named = compile_pipeline(
        tmp_path / "named.yaml", CompileOptions(images=ImageReferences.from_prefix(PREFIX, "v1"))
    ).read_text(encoding="utf-8")
    assert re.sub(rf"{PREFIX}/(lab-lens-\w+):v1", r"\1", named) == plain


@pytest.mark.parametrize("strategy", ["task", "spot"])
def test_with_a_digests_file_every_image_in_the_document_is_a_digest(tmp_path: Path, strategy: str) -> None:
    references = ImageReferences.from_digests_file(digests_file(tmp_path, DIGESTS))
    config = parse_config(json.dumps({"resources": {"preset": "l4", "training": {"strategy": strategy}}}))
    options = CompileOptions(images=references, config=config, target="vertex")
    out = compile_pipeline(tmp_path / "pipeline.yaml", options)
    assert images_of(out) <= set(DIGESTS.values())
    text = out.read_text(encoding="utf-8")
    assert DIGESTS["trainer"] in text.replace("\\\n", "")
    # No family is left by its bare name, not even inside the job that trains.
    by_digest = "|".join(map(re.escape, DIGESTS.values()))
    bare = rf"\b({images.TRAINER}|{images.EVALUATOR}|{images.OPS})\b"
    assert re.findall(bare, re.sub(by_digest, "", json.dumps(executors_of(out)))) == []


@pytest.mark.parametrize("setting", ["bertscore_encoder", "entailment_model"])
@pytest.mark.parametrize("target", ["local", "kubeflow", "vertex"])
def test_validation_with_a_model_that_measures_runs_in_the_image_that_has_torch(
    tmp_path: Path, setting: str, target: Literal["local", "kubeflow", "vertex"]
) -> None:
    for value, family in ((None, "evaluator"), ("hub/model", "trainer")):
        config = parse_config(json.dumps({"validation": {setting: value}}))
        options = CompileOptions(images=ImageReferences(DIGESTS), config=config, target=target)
        executors = executors_of(compile_pipeline(tmp_path / "pipeline.yaml", options))
        assert executors["exec-validate-model"]["container"]["image"] == DIGESTS[family]
        assert executors["exec-detect-bias"]["container"]["image"] == DIGESTS["evaluator"]


def test_the_same_options_give_the_same_bytes(tmp_path: Path) -> None:
    config = parse_config('{"resources": {"preset": "a100", "training": {"strategy": "spot"}}}')
    options = CompileOptions(images=ImageReferences(DIGESTS), config=config, target="vertex")
    first, second = (compile_pipeline(tmp_path / name, options).read_bytes() for name in ("1.yaml", "2.yaml"))
    assert first == second


def test_a_digests_file_may_name_the_serving_image_too(tmp_path: Path) -> None:
    serving = f"{PREFIX}/lab-lens-serving:v1@sha256:{7:064x}"
    references = ImageReferences.from_digests_file(digests_file(tmp_path, {**DIGESTS, "serving": serving}))
    assert references.by_family["serving"] == serving


def test_every_problem_of_a_digests_file_is_listed_at_once(tmp_path: Path) -> None:
    wrong = {"trainer": f"{PREFIX}/lab-lens-trainer:v1", "evaluator": 7, "tainer": DIGESTS["trainer"]}
    path = tmp_path / "digests.json"
    assert problems_of(tmp_path, wrong) == (
        f'{path}: unknown family "tainer"; families are trainer, evaluator, ops, serving',
        f'{path}: family "ops" is missing',
        *(
            f"{path}: {family} is {wrong[family]!r}; it must be a reference by digest, such as "
            f"europe-west4-docker.pkg.dev/my-project/my-repository/lab-lens-{family}@sha256: and 64 hexadecimal digits"
            for family in ("trainer", "evaluator")
        ),
    )


@pytest.mark.parametrize(
    "reference",
    [
        "",
        f"{PREFIX}/lab-lens-ops",
        f"{PREFIX}/lab-lens-ops@sha256:{'0' * 63}",
        f"{PREFIX}/lab-lens-ops@sha256:{'G' * 64}",
        f"{PREFIX}/lab-lens-ops@sha512:{'0' * 64}",
        f"{PREFIX}/Lab-Lens-Ops@sha256:{'0' * 64}",
        f" {PREFIX}/lab-lens-ops@sha256:{'0' * 64}",
        f"{PREFIX}/lab lens ops@sha256:{'0' * 64}",
        f"https://{PREFIX}/lab-lens-ops@sha256:{'0' * 64}",
        f"{PREFIX}//lab-lens-ops@sha256:{'0' * 64}",
        f"{PREFIX}/lab-lens-ops@sha256:{'0' * 64}\n",
    ],
)
def test_what_is_no_reference_by_digest_is_refused(tmp_path: Path, reference: str) -> None:
    (problem,) = problems_of(tmp_path, {**DIGESTS, "ops": reference})
    assert "it must be a reference by digest" in problem


@pytest.mark.parametrize(
    ("content", "words"),
    [("[]", "must hold an object of references by family"), ("{", "is not JSON"), ('"x"', "must hold an object")],
)
def test_a_file_that_is_no_object_is_refused(tmp_path: Path, content: str, words: str) -> None:
    (problem,) = problems_of(tmp_path, content)
    assert words in problem


def test_a_digests_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such file: .*nowhere\.json"):
        ImageReferences.from_digests_file(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    "prefix", [PREFIX, "localhost:5000", "localhost:5000/team", "ghcr.io/team", "Registry.example.org/team", "team"]
)
def test_usual_prefixes_are_taken(prefix: str) -> None:
    assert ImageReferences.from_prefix(prefix, "latest").of(images.OPS) == f"{prefix}/lab-lens-ops:latest"


@pytest.mark.parametrize(
    ("prefix", "why"),
    [
        ("", ""),
        ("https://ghcr.io/team", "it has a scheme"),
        ("ghcr.io/my team", "it has a blank"),
        ("ghcr.io/team/", "it ends with a slash"),
        ("ghcr.io/Team", "names of repositories have no capital letters"),
        (f"ghcr.io/team@sha256:{'0' * 64}", "a digest belongs into a digests file"),
        ("ghcr.io//team", ""),
    ],
)
def test_a_prefix_that_cannot_be_one_is_refused_together_with_the_tag(prefix: str, why: str) -> None:
    with pytest.raises(InputError) as refused:
        ImageReferences.from_prefix(prefix, "v 1")
    of_prefix, of_tag = refused.value.problems
    assert of_prefix.startswith(f'--images is "{prefix}"; {why}')
    assert of_prefix.endswith("such as europe-west4-docker.pkg.dev/my-project/my-repository")
    assert of_tag.startswith('--tag is "v 1"; a tag has 1 to 128')


def test_an_image_that_is_none_of_ours_keeps_its_name() -> None:
    assert ImageReferences.from_prefix(PREFIX, "v1").of("python:3.11-slim") == "python:3.11-slim"
