"""Mirroring over a real wire: the hub's own client in a process of its own, against a hub on loopback."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from loopback.gcs import CloudStorageServer
from loopback.hub import HubServer, repository_of

from lab_lens.engine.checkpoint import load_pretrained
from lab_lens.engine.mirror import read_mirror

pytestmark = [pytest.mark.integration]

ID = "clinic/tiny-bart"
BUCKET = "hospital-models"


@pytest.fixture
def hub(tiny_model_dir: Path) -> Iterator[HubServer]:
    """A hub with a tiny model, beside whose weights lie files that nobody needs."""
    repository = repository_of(tiny_model_dir, license="apache-2.0")
    more = {"README.md": b"A model.", "tf_model.h5": b"h5", "onnx/model.safetensors": b"x", "run.py": b"evil()"}
    repository.files |= more
    with HubServer({ID: repository}) as server:
        yield server
    assert server.defects == []


Mirroring = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def mirror(hub: HubServer, tmp_path: Path) -> Mirroring:
    """Runs `lab-lens mirror-model` as users do."""

    def call(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        proxies = {"http_proxy", "https_proxy", "all_proxy"}
        own = {name: value for name, value in os.environ.items() if name.lower() not in proxies}
        own |= {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_TELEMETRY": "1"}
        command = [sys.executable, "-m", "lab_lens", "mirror-model", *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env=own | variables, cwd=tmp_path, timeout=240
        )

    return call


def problem_of(ended: "subprocess.CompletedProcess[str]") -> str:
    assert ended.returncode == 2, ended.stderr
    (line,) = [line for line in ended.stderr.splitlines() if line.startswith("lab-lens: error: ")]
    return line.removeprefix("lab-lens: error: ")


def test_a_hub_model_becomes_a_directory_that_training_takes(
    mirror: Mirroring, hub: HubServer, tiny_model_dir: Path, tmp_path: Path
) -> None:
    ended = mirror(ID, "--to", "mirrored")
    assert ended.returncode == 0, ended.stderr
    assert f"mirrored: {ID} {hub.repositories[ID].commit} to mirrored" in ended.stdout
    assert "licence: apache-2.0" in ended.stdout
    target = tmp_path / "mirrored"
    told = read_mirror(target)
    assert (told.id, told.revision, told.licence, told.converted_from) == (
        ID,
        hub.repositories[ID].commit,
        "apache-2.0",
        (),
    )
    kept = {path.name for path in tiny_model_dir.iterdir()} | {"README.md"}
    assert {path.name for path in target.iterdir()} == kept | {"mirror.json"}
    assert set(hub.downloads) == kept
    load_pretrained(str(target), revision=None)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_mirroring_again_downloads_nothing(mirror: Mirroring, hub: HubServer, tmp_path: Path) -> None:
    assert mirror(ID, "--to", "mirrored").returncode == 0
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "mirrored").iterdir()}
    hub.requests.clear()
    ended = mirror(ID, "--to", "mirrored", "--revision", "main")
    assert ended.returncode == 0
    assert f"nothing to do: mirrored holds {ID} already" in ended.stdout
    assert hub.downloads == []
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "mirrored").iterdir()} == before
    # A new commit replaces it whole.
    hub.repositories[ID].files["README.md"] = b"A better model."
    assert mirror(ID, "--to", "mirrored").returncode == 0
    assert (tmp_path / "mirrored" / "README.md").read_text() == "A better model."


def test_a_mirror_in_a_bucket_comes_back_with_its_record(mirror: Mirroring, tmp_path: Path) -> None:
    with CloudStorageServer(BUCKET) as cloud:
        there = f"gs://{BUCKET}/mirrors/tiny"
        sent = mirror(ID, "--to", there, STORAGE_EMULATOR_HOST=cloud.url)
        assert sent.returncode == 0, sent.stderr
        assert "use it as: --base-model /gcs/hospital-models/mirrors/tiny (on Vertex AI" in sent.stdout
        assert "mirrors/tiny/mirror.json" in cloud.content(BUCKET)
        fetched = mirror(there, "--to", "fetched", STORAGE_EMULATOR_HOST=cloud.url)
        assert fetched.returncode == 0, fetched.stderr
    told = read_mirror(tmp_path / "fetched")
    assert (told.id, told.licence) == (ID, "apache-2.0")
    load_pretrained(str(tmp_path / "fetched"), revision=None)


def test_a_repository_without_safetensors_is_converted(
    mirror: Mirroring, hub: HubServer, tiny_model_dir: Path, tmp_path: Path
) -> None:
    model, _ = load_pretrained(str(tiny_model_dir), revision=None)
    torch.save(model.state_dict(), tmp_path / "weights.bin")
    repository = hub.repositories[ID]
    del repository.files["model.safetensors"]
    repository.files["pytorch_model.bin"] = (tmp_path / "weights.bin").read_bytes()
    ended = mirror(ID, "--to", "mirrored")
    assert ended.returncode == 0, ended.stderr
    assert "converted to safetensors: pytorch_model.bin" in ended.stdout
    assert not (tmp_path / "mirrored" / "pytorch_model.bin").exists()
    load_pretrained(str(tmp_path / "mirrored"), revision=None)


def test_wrong_ids_revisions_and_hubs_are_told_with_the_cure(mirror: Mirroring, hub: HubServer, tmp_path: Path) -> None:
    assert problem_of(mirror("clinic/none", "--to", "m")) == (
        f"{hub.url} has no model 'clinic/none' that may be read; check its name, or set HF_TOKEN for a private one"
    )
    assert problem_of(mirror(ID, "--to", "m", "--revision", "v9")) == (
        f"{ID} has no revision 'v9' on {hub.url}; give a branch, a tag or a commit of it"
    )
    problem = problem_of(mirror(ID, "--to", "m", HF_ENDPOINT="http://127.0.0.1:9"))
    assert problem.startswith(f"the model hub http://127.0.0.1:9 cannot be reached for {ID} (")
    hub.repositories[ID].gated = True
    assert problem_of(mirror(ID, "--to", "m")).startswith(f"{ID} is gated on {hub.url}: accept its terms there")
    assert not (tmp_path / "m").exists()


def test_a_file_that_changes_on_the_way_is_noticed(mirror: Mirroring, hub: HubServer, tmp_path: Path) -> None:
    hub.corrupted.add("config.json")
    assert problem_of(mirror(ID, "--to", "m")) == (
        f"{ID}: config.json is not what the hub says (checksum mismatch); repeat this"
    )
    assert not (tmp_path / "m").exists()
