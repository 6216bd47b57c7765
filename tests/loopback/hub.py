"""A model hub on loopback, for the real client: set HF_ENDPOINT to its `url`. It knows one repository a directory."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from loopback.server import HttpRequest, HttpResponse, LoopbackServer

_LARGE_SUFFIXES = {".safetensors", ".bin", ".h5"}


@dataclass
class Repository:
    """A repository with one commit, called `main` too."""

    files: dict[str, bytes]
    card: Mapping[str, Any] = field(default_factory=dict)
    gated: bool = False

    @property
    def commit(self) -> str:
        """Changes with the files."""
        told = "".join(f"{name} {hashlib.sha256(data).hexdigest()}\n" for name, data in sorted(self.files.items()))
        return hashlib.sha1(told.encode()).hexdigest()

    def checksum(self, name: str) -> str:
        """What the hub calls a file's content: sha256 of a large file, git's hash of a small one."""
        data = self.files[name]
        if Path(name).suffix in _LARGE_SUFFIXES:
            return hashlib.sha256(data).hexdigest()
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def repository_of(directory: Path, **card: Any) -> Repository:
    """A repository with the files of a directory."""
    files = {
        path.relative_to(directory).as_posix(): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }
    return Repository(files, card)


class HubServer(LoopbackServer):
    """Serves repositories by id, such as `owner/name`."""

    def __init__(self, repositories: Mapping[str, Repository]) -> None:
        super().__init__()
        self.repositories = dict(repositories)
        self.requests: list[HttpRequest] = []
        # Names of files that are sent with other bytes than the hub tells.
        self.corrupted: set[str] = set()

    @property
    def downloads(self) -> list[str]:
        """Names of files that were fetched."""
        paths = [unquote(item.path) for item in self.requests if item.method == "GET" and "/resolve/" in item.path]
        return sorted(path.split("/resolve/")[1].split("/", 1)[1] for path in paths)

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Answer model info, tree and resolve."""
        with self.lock:
            self.requests.append(request)
        path = unquote(request.path).strip("/")
        if path.startswith("api/models/"):
            owner, name, *rest = path.removeprefix("api/models/").split("/")
            return self._api(f"{owner}/{name}", rest)
        repo, _, rest_of_path = path.partition("/resolve/")
        revision, _, name = rest_of_path.partition("/")
        return self._file(repo, revision, name)

    def _api(self, repo: str, rest: list[str]) -> HttpResponse:
        found = self.repositories.get(repo)
        if found is None:
            return _refusal(404, "RepoNotFound")
        if found.gated:
            return _refusal(403, "GatedRepo")
        if rest and not _knows(found, rest[1]):
            return _refusal(404, "RevisionNotFound")
        if rest and rest[0] == "tree":
            entries = [{"type": "file", "path": name, **_described(found, name)} for name in sorted(found.files)]
            return HttpResponse(200, json.dumps(entries).encode())
        siblings = [{"rfilename": name, **_sibling(found, name)} for name in sorted(found.files)]
        info = {"id": repo, "modelId": repo, "sha": found.commit, "siblings": siblings, "tags": [], "private": False}
        return HttpResponse(200, json.dumps(info | {"cardData": dict(found.card)}).encode())

    def _file(self, repo: str, revision: str, name: str) -> HttpResponse:
        found = self.repositories.get(repo)
        if found is None:
            return _refusal(404, "RepoNotFound")
        if not _knows(found, revision):
            return _refusal(404, "RevisionNotFound")
        if name not in found.files:
            return _refusal(404, "EntryNotFound")
        data = found.files[name]
        if name in self.corrupted:
            data = bytes([data[0] ^ 1]) + data[1:]
        headers = {
            "Content-Type": "application/octet-stream",
            "ETag": f'"{found.checksum(name)}"',
            "X-Repo-Commit": found.commit,
            "Accept-Ranges": "none",
        }
        return HttpResponse(200, data, headers)


def _knows(found: Repository, revision: str) -> bool:
    return revision in {"main", found.commit}


def _described(found: Repository, name: str) -> dict[str, Any]:
    size, checksum = len(found.files[name]), found.checksum(name)
    large = {"lfs": {"oid": checksum, "size": size, "pointerSize": 134}} if len(checksum) == 64 else {}
    return {"oid": checksum[:40], "size": size, **large}


def _sibling(found: Repository, name: str) -> dict[str, Any]:
    size, checksum = len(found.files[name]), found.checksum(name)
    large = {"lfs": {"sha256": checksum, "size": size, "pointerSize": 134}} if len(checksum) == 64 else {}
    return {"blobId": checksum[:40], "size": size, **large}


def _refusal(status: int, code: str) -> HttpResponse:
    headers = {"Content-Type": "application/json", "X-Error-Code": code, "X-Error-Message": "refused by the test"}
    return HttpResponse(status, json.dumps({"error": "refused by the test"}).encode(), headers)
