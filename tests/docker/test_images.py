"""The images, built from this checkout and run."""

import ast
import importlib
import json
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import components
from containers.build import BASE_IMAGE, BuildRequest, build_images, layers_of
from containers.context import read_source
from containers.docker_cli import DockerCli
from containers.families import FAMILIES, LAYERS
from containers.locks import ROOT

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("docker")]

Images = dict[str, dict[str, Any]]
PACKAGES = "/opt/lab-lens/packages"
# Models that measure summaries are asked in the trainer's image, where compilation then puts the validation.
_MEASURING = {"safetensors", "torch", "transformers"}
COMPONENTS = sorted(
    path.stem for path in Path(components.__path__[0]).glob("*.py") if path.stem not in {"__init__", "images"}
)


def _run(docker: DockerCli, image: str, *command: str, options: tuple[str, ...] = ()) -> str:
    return docker.ask("run", "--rm", "--network=none", *options, image, *command)


def _inspect(docker: DockerCli, image: str) -> dict[str, Any]:
    (found,) = json.loads(docker.ask("image", "inspect", image))
    content: dict[str, Any] = found
    return content


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.parametrize("family", FAMILIES)
def test_an_image_runs_as_a_user_without_rights_who_cannot_change_it(
    docker: DockerCli, images: Images, family: str
) -> None:
    reference = images[family]["reference"]
    script = (
        f"id -u; id -un; (touch {PACKAGES}/x || touch /etc/x) 2>/dev/null && echo writable; touch /tmp/x && echo ok"
    )
    assert _run(docker, reference, "sh", "-c", script).split() == ["10001", "lab-lens", "ok"]


@pytest.mark.parametrize("family", FAMILIES)
def test_labels_name_version_and_commit(docker: DockerCli, images: Images, family: str) -> None:
    from lab_lens import __version__

    labels = _inspect(docker, images[family]["reference"])["Config"]["Labels"]
    prefix = "org.opencontainers.image."
    assert labels[f"{prefix}title"] == f"lab-lens-{family}"
    assert labels[f"{prefix}version"] == __version__
    assert labels[f"{prefix}revision"].removesuffix("-dirty") == _git("rev-parse", "HEAD")
    committed = datetime.fromtimestamp(int(_git("log", "-1", "--format=%ct")), UTC)
    assert datetime.fromisoformat(labels[f"{prefix}created"]) == committed


@pytest.mark.parametrize("family", FAMILIES)
def test_there_is_no_compiler_no_installer_and_nothing_left_of_the_build(
    docker: DockerCli, images: Images, family: str
) -> None:
    script = """
for tool in gcc cc c++ make pip pip3; do command -v $tool; done
for python in python /usr/bin/python3 /usr/local/bin/python3; do
    if command -v $python >/dev/null; then $python -c 'import pip' 2>/dev/null && echo pip in $python; fi
done
ls -d /build /layers /root/.cache 2>/dev/null
echo end
"""
    assert _run(docker, images[family]["reference"], "sh", "-c", script) == "end\n"


def _layers_below_packages(docker: DockerCli) -> int:
    # Above the base image lies the layer of user and Python, then those of the packages.
    return len(_inspect(docker, BASE_IMAGE)["RootFS"]["Layers"]) + 1


def test_families_share_the_layers_they_have_in_common(docker: DockerCli, images: Images) -> None:
    below = _layers_below_packages(docker)
    digests: dict[str, set[str]] = {}
    for family in FAMILIES:
        for name, digest in zip(layers_of(family), images[family]["layers"][below:], strict=False):
            digests.setdefault(name, set()).add(digest)
    assert len(set.union(*digests.values())) == len(LAYERS)
    assert {name for name, different in digests.items() if len(different) > 1} == set()


@pytest.mark.parametrize("stem", COMPONENTS)
def test_a_component_finds_everything_that_its_stage_imports_in_its_image(
    docker: DockerCli, images: Images, stem: str
) -> None:
    component = getattr(importlib.import_module(f"components.{stem}"), stem)
    family = component.component_spec.implementation.container.image.removeprefix("lab-lens-")
    elsewhere = _MEASURING if family == "evaluator" else set()
    wanted = sorted(_imports(ROOT / "components" / f"{stem}.py") - {"kfp", "components"} - elsewhere)
    script = f"import importlib.util as u; print([m for m in {wanted!r} if u.find_spec(m) is None])"
    assert _run(docker, images[family]["reference"], "python", "-c", script) == "[]\n"
    executor = f"import kfp.dsl.executor_main, lab_lens.stages.{stem}, lab_lens.tracking"
    _run(docker, images[family]["reference"], "python", "-c", executor, options=("--env=_KFP_RUNTIME=true",))


def _imports(path: Path, seen: set[Path] | None = None) -> set[str]:
    """Top-level names of third parties that a file, and what it imports of lab_lens, import anywhere."""
    seen = set() if seen is None else seen
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        for name in _imported(node):
            own = _own_file(name)
            if own is None:
                found.add(name.split(".")[0])
            elif own not in seen:
                seen.add(own)
                found |= _imports(own, seen)
    return found - {"lab_lens"}


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        # `from lab_lens import artifacts` names a module, `from lab_lens.config import Config` a class.
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names if node.module == "lab_lens")]
    return []


def _own_file(name: str) -> Path | None:
    if name.split(".", maxsplit=1)[0] != "lab_lens":
        return None
    path = ROOT / name.replace(".", "/")
    return path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py"


def test_the_ops_image_has_what_starts_jobs_and_a_tracking_server(docker: DockerCli, images: Images) -> None:
    script = "import google.cloud.aiplatform, google.cloud.storage, mlflow.server"
    _run(docker, images["ops"]["reference"], "python", "-c", script)


def test_the_trainer_image_trains_tunes_explains_and_serves(docker: DockerCli, images: Images) -> None:
    script = (
        "import transformers.trainer_seq2seq, accelerate, optuna, lime.lime_text, lab_lens.serving.server, torch;"
        "print(torch.__version__, torch.nn.Linear(4, 2)(torch.ones(1, 4)).shape[1])"
    )
    assert _run(docker, images["trainer"]["reference"], "python", "-c", script).split()[1] == "2"


def test_the_serving_image_serves_without_tables_tracking_training_or_pipelines(
    docker: DockerCli, images: Images
) -> None:
    script = """
import importlib.util
import lab_lens.cli.serve, lab_lens.serving.model, lab_lens.registry.local
print([name for name in ("pandas", "pyarrow", "kfp", "mlflow", "accelerate", "matplotlib", "optuna", "sklearn")
       if importlib.util.find_spec(name)])
"""
    assert _run(docker, images["serving"]["reference"], "python", "-c", script) == "[]\n"


def test_modules_are_compiled_when_the_image_is_built(docker: DockerCli, images: Images) -> None:
    script = "import os, lab_lens.config as a, pydantic as b; print(*(os.path.exists(m.__cached__) for m in (a, b)))"
    assert _run(docker, images["ops"]["reference"], "python", "-c", script) == "True True\n"


ASK = """
import http.client, json
def ask(method, path, body=None):
    server = http.client.HTTPConnection("127.0.0.1", 8080, timeout=60)
    server.request(method, path, json.dumps(body) if body else None)
    answer = server.getresponse()
    return answer.status, json.loads(answer.read())
print(json.dumps([ask("GET", "/health"), ask("POST", "/predict", {"instances": [{"text": "Chest pain."}]})]))
"""


def test_the_serving_image_answers_without_a_network_and_becomes_healthy(
    docker: DockerCli, images: Images, readable_model: Path, start: Callable[..., str]
) -> None:
    container = start(
        "--network=none",
        "--read-only",
        "--tmpfs=/tmp",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges:true",
        f"--mount=type=bind,source={readable_model},target=/model,readonly",
        images["serving"]["reference"],
    )
    assert wait_until_healthy(docker, container) == "healthy"
    health, prediction = json.loads(docker.ask("exec", container, "python", "-c", ASK))
    assert health == [200, {"status": "ready"}]
    assert prediction[0] == 200
    assert set(prediction[1]["predictions"][0]) >= {"summary", "log_probability", "input_tokens"}
    assert docker.run("stop", "--time=20", container).returncode == 0
    (state,) = json.loads(docker.ask("inspect", container))
    assert state["State"]["ExitCode"] == 0


def test_a_server_without_a_model_says_so_and_ends(docker: DockerCli, images: Images) -> None:
    done = docker.run("run", "--rm", "--network=none", images["serving"]["reference"])
    assert done.returncode == 2
    assert "model directory not found: /model" in done.stderr


def wait_until_healthy(docker: DockerCli, container: str, seconds: float = 120) -> str:
    """The health of a container once it is decided, or the last one seen."""
    deadline = time.monotonic() + seconds
    status = "starting"
    while status == "starting" and time.monotonic() < deadline:
        time.sleep(0.5)
        (state,) = json.loads(docker.ask("inspect", container))
        status = state["State"].get("Health", {}).get("Status") or state["State"]["Status"]
    return status


def test_a_base_model_is_baked_in_and_no_hub_is_asked(
    docker: DockerCli, images: Images, readable_model: Path, tmp_path: Path
) -> None:
    wheels = ROOT / "dist" / "context" / "wheels"
    request = BuildRequest(families=("trainer",), tag="with-model", base_model=readable_model, wheelhouses=(wheels,))
    built = build_images(request, tmp_path)
    try:
        script = (
            "import os; from pathlib import Path; from lab_lens.engine.checkpoint import load_model;"
            "load_model(Path('/opt/lab-lens/models/base'), 'cpu'); print(os.environ['HF_HUB_OFFLINE'])"
        )
        assert _run(docker, built["trainer"], "python", "-c", script) == "1\n"
        own = json.loads((tmp_path / "images.json").read_text())["trainer"]["layers"]
        # The model lies above all packages, whose layers are those of the image without it.
        below = _layers_below_packages(docker) + len(layers_of("trainer"))
        assert own[:below] == images["trainer"]["layers"][:below]
        assert own[below] != images["trainer"]["layers"][below]
    finally:
        docker.ask("rmi", built["trainer"])
        # The build gave the commit's tag to the image with the model.
        docker.ask("tag", images["trainer"]["id"], request.reference("trainer", read_source().tag))
