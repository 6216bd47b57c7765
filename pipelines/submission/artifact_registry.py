"""Compiled pipelines in a KFP repository of Artifact Registry, by kfp.registry.RegistryClient."""

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kfp.registry import ApiAuth, RegistryClient
from requests.exceptions import HTTPError, RequestException

from lab_lens.errors import InputError
from pipelines.submission.answers import Wording, refusal
from pipelines.submission.template import image_problems, read_template
from pipelines.submission.vertex import credentials_for
from pipelines.submission.vertex_settings import is_loopback

_REPOSITORY = re.compile(r"https://[a-z0-9-]+-kfp\.pkg\.dev/[^/\s]+/[^/\s]+/?")
_TAG = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}")
_VERSION = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class UploadedTemplate:
    """A template that lies in the repository; `uri` names exactly these bytes, `tagged` may move."""

    package: str
    version: str
    uri: str
    tagged: tuple[str, ...]


def is_template_uri(text: str) -> bool:
    """Whether --template names something in a repository rather than a file."""
    return urlsplit(text).scheme in ("http", "https")


def upload_template(template: Path, repository: str, tags: Sequence[str], *, token: str = "") -> UploadedTemplate:
    """Upload a compiled pipeline.

    Args:
        template: what `lab-lens compile` wrote, with images that can be pulled.
        repository: `https://REGION-kfp.pkg.dev/PROJECT/REPOSITORY`.
        tags: names that lead to this version from now on.
        token: an access token; empty: application default credentials.

    Raises:
        InputError: the file, the repository's name or a tag is wrong, or the repository refuses it.
        LabLensError: the repository failed.
    """
    problems = [*_repository_problems(repository), *(_tag_problem(tag) for tag in tags if not _TAG.fullmatch(tag))]
    problems += image_problems(read_template(template))
    if problems:
        raise InputError(problems)
    host = repository.rstrip("/")
    with _errors("uploading the template", "roles/artifactregistry.writer", host):
        package, version = _client(host, token).upload_pipeline(str(template), list(tags) or None)
    base = f"{host}/{package}"
    return UploadedTemplate(package, version, f"{base}/{version}", tuple(f"{base}/{tag}" for tag in tags))


def download_template(uri: str, *, token: str = "") -> dict[str, Any]:
    """Fetch a compiled pipeline: `https://REGION-kfp.pkg.dev/PROJECT/REPOSITORY/PACKAGE/TAG-or-sha256:...`.

    Raises:
        InputError: the address is wrong, or the repository refuses it or does not have it.
        LabLensError: the repository failed.
    """
    host, package, which = _parts(uri)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "pipeline.yaml"
        with _errors("fetching the template", "roles/artifactregistry.reader", host):
            named = {"version": which} if which.startswith("sha256:") else {"tag": which}
            _client(host, token).download_pipeline(package, file_name=str(path), **named)
        return read_template(path, f"--template {uri}")


def _client(host: str, token: str) -> RegistryClient:
    if token or is_loopback(host):
        return RegistryClient(host=host, auth=ApiAuth(token))
    return RegistryClient(host=host, auth=credentials_for(host))


def _parts(uri: str) -> tuple[str, str, str]:
    pieces = uri.rstrip("/").rsplit("/", 2)
    if len(pieces) != 3 or _repository_problems(pieces[0]):
        raise InputError(
            f"--template {uri!r} is no address of a template; give a file, or "
            "https://REGION-kfp.pkg.dev/PROJECT/REPOSITORY/PACKAGE/TAG (or .../sha256:DIGEST)"
        )
    host, package, which = pieces
    if not (_TAG.fullmatch(which) or _VERSION.fullmatch(which)):
        raise InputError(f"--template ends in {which!r}, which is neither a tag nor sha256: and 64 hexadecimal digits")
    return host, package, which


def _repository_problems(repository: str) -> list[str]:
    if _REPOSITORY.fullmatch(repository) or is_loopback(repository):
        return []
    return [f"--repository {repository!r} is no KFP repository; give https://REGION-kfp.pkg.dev/PROJECT/REPOSITORY"]


def _tag_problem(tag: str) -> str:
    return f"--tag {tag!r} is no tag: up to 128 letters, digits, '.', '_' and '-', a letter or digit first"


@contextmanager
def _errors(doing: str, role: str, host: str) -> Iterator[None]:
    """Turn what the client raises into one line with the cure."""
    name = host.rsplit("/", 1)[1]
    words = Wording(
        service=f"Artifact Registry ({host})",
        role=f"the caller needs {role} on the repository",
        missing=f"check the address; `gcloud artifacts repositories create {name} --repository-format=kfp "
        "--location=REGION` makes a repository",
        unreachable="check the address, the network or a proxy",
        login="run `gcloud auth application-default login`, or name a variable with an access token by --token-env",
    )
    try:
        yield
    except HTTPError as error:
        response = error.response
        raise refusal(response.status_code, response.text or str(response.reason), doing, words) from error
    except RequestException as error:
        raise refusal(0, type(error).__name__, doing, words) from error
