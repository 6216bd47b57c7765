"""Templates in a KFP repository: the real kfp.registry.RegistryClient over a real wire."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import json_format
from loopback.artifact_registry import ArtifactRegistryServer
from loopback.vertex import VertexServer

PACKAGE = "lab-lens-model-development"


@pytest.fixture
def repository() -> Iterator[ArtifactRegistryServer]:
    with ArtifactRegistryServer() as server:
        yield server
        assert server.defects == []


def test_a_template_is_kept_under_its_hash_and_its_tags(
    lens: Any, repository: ArtifactRegistryServer, template: Path
) -> None:
    ended = lens(
        "upload-template", "--template", str(template), "--repository", repository.address + "/", "--tag", "v1",
        "--tag", "latest",
    )  # fmt: skip
    assert ended.status == 0, ended.err
    content = template.read_bytes()
    version = f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert repository.packages == {(PACKAGE, version): content}
    assert ended.out.splitlines() == [
        f"template: {repository.address}/{PACKAGE}/{version}",
        f"tagged: {repository.address}/{PACKAGE}/v1",
        f"tagged: {repository.address}/{PACKAGE}/latest",
    ]


@pytest.mark.parametrize("which", ["template", "tagged"])
def test_what_was_uploaded_can_be_submitted_by_its_address(
    which: str, lens: Any, submit: Any, vertex: VertexServer, repository: ArtifactRegistryServer, template: Path
) -> None:
    kept = lens("upload-template", "--template", str(template), "--repository", repository.address, "--tag", "v1")
    ended = submit("--template", kept.said(which))
    assert ended.status == 0, ended.err
    (request,) = vertex.requests("CreatePipelineJob")
    assert request.pipeline_job.template_uri == kept.said(which)
    document = json_format.MessageToDict(type(request).pb(request).pipeline_job.pipeline_spec)
    assert document == yaml.safe_load(template.read_text(encoding="utf-8"))


def test_a_token_from_the_environment_is_sent(lens: Any, template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPLOAD_TOKEN", "s3cret")
    with ArtifactRegistryServer(token="s3cret") as server:
        upload = ("upload-template", "--template", str(template), "--repository", server.address)
        assert lens(*upload, "--token-env", "UPLOAD_TOKEN").status == 0
        (problem,) = lens(*upload).problems
        assert "does not accept the credentials (401); run `gcloud auth application-default login`" in problem
        assert server.tokens[0] == "s3cret"


def test_wrong_names_are_told_at_once(lens: Any, tmp_path: Path) -> None:
    assert lens("compile", "--out", "local.yaml").status == 0
    ended = lens(
        "upload-template", "--template", "local.yaml", "--repository", "https://us-docker.pkg.dev/p/r", "--tag", "a b"
    )
    assert ended.status == 2
    assert [problem.split(";")[0].split(":")[0] for problem in ended.problems] == [
        "--repository 'https",
        "--tag 'a b' is no tag",
        "the template names local images (lab-lens-evaluator, lab-lens-ops, lab-lens-trainer), which cannot be pulled "
        "elsewhere",
    ]


def test_an_address_that_is_none(submit: Any, vertex: VertexServer) -> None:
    for address in ("https://us-docker.pkg.dev/p/r/x/v1", "https://us-central1-kfp.pkg.dev/p/r"):
        ended = submit("--template", address)
        assert ended.status == 2
        assert ended.problems[0].startswith(f"--template '{address}' is no address of a template; give a file, or ")
    assert vertex.calls == []


def test_a_template_that_is_not_there(submit: Any, repository: ArtifactRegistryServer) -> None:
    ended = submit("--template", f"{repository.address}/{PACKAGE}/v9")
    assert ended.status == 2
    assert "does not find it (404): not found; check the address; `gcloud artifacts repositories" in ended.problems[0]


@pytest.mark.parametrize(
    ("status", "exit_status", "words"),
    [
        (403, 2, "the caller needs roles/artifactregistry.writer on the repository"),
        (429, 2, "has no quota left for it (429)"),
        (503, 1, "try again later"),
    ],
)
def test_what_the_repository_refuses(
    status: int, exit_status: int, words: str, lens: Any, repository: ArtifactRegistryServer, template: Path
) -> None:
    repository.fail(status, "no")
    ended = lens("upload-template", "--template", str(template), "--repository", repository.address)
    assert ended.status == exit_status
    assert words in ended.problems[0]


def test_nothing_answers(lens: Any, template: Path) -> None:
    with ArtifactRegistryServer() as server:
        address = server.address
    ended = lens("upload-template", "--template", str(template), "--repository", address)
    assert ended.status == 2
    assert f"Artifact Registry ({address}) cannot be reached (ConnectionError)" in ended.problems[0]
