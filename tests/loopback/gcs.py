"""A Cloud Storage on loopback, for the real client: set STORAGE_EMULATOR_HOST to its `url`.

It knows generations, the four preconditions, multipart and resumable uploads, checked downloads, compose, rewrite,
batches and paging, and fails on request. It knows no versioning and no permissions but `deny`.
"""

import json
import re
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from loopback.gcs_store import Preconditions, RefusedError, Store, StoredObject
from loopback.gcs_wire import (
    as_json,
    asked_generation,
    body_parts,
    hash_header,
    header,
    inner_request,
    parameter,
    refusal,
    related,
)
from loopback.server import HttpRequest, HttpResponse, LoopbackServer

_RESUME_INCOMPLETE = 308
_BEGINNING_BYTES = 1000
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass
class Fault:
    """An answer to give instead, some times, to requests that fit."""

    status: int
    times: int
    method: str
    part: str
    message: str

    def fits(self, request: HttpRequest) -> bool:
        """Whether it is this request's turn."""
        told = unquote(request.path) + request.body[:_BEGINNING_BYTES].decode("utf-8", "replace")
        return self.times > 0 and self.method in {"", request.method} and self.part in told


@dataclass
class _Upload:
    """A resumable upload that has begun."""

    bucket: str
    name: str
    settings: dict[str, Any]
    conditions: Preconditions
    received: bytes = b""


class CloudStorageServer(LoopbackServer):
    """Serves buckets that live in memory.

    Args:
        buckets: names of buckets that exist.
        page_size: objects a listing gives at most.
    """

    def __init__(self, *buckets: str, page_size: int = 1000) -> None:
        super().__init__()
        self.store = Store()
        self.store.buckets |= {name: {} for name in buckets}
        self.page_size = page_size
        self.requests: list[HttpRequest] = []
        self.corrupted: set[str] = set()
        self._denied: set[str] = set()
        self._faults: list[Fault] = []
        self._uploads: dict[str, _Upload] = {}
        self._policies: dict[str, dict[str, Any]] = {}

    def fail(self, status: int, times: int = 1, *, method: str = "", part: str = "", message: str = "") -> None:
        """Answer the next fitting requests with a status.

        Args:
            status: the answer.
            times: how often.
            method: of the request; "": any.
            part: of the decoded path, or of the beginning of the body, where an upload names its object; "": any.
            message: of the answer; "": one that says nothing.
        """
        self._faults.append(Fault(status, times, method, part, message or "the test asked for this"))

    def recover(self) -> None:
        """Forget every fault that was asked for."""
        self._faults.clear()

    def deny(self, bucket: str) -> None:
        """Answer 403 to everything about a bucket."""
        self._denied.add(bucket)

    def content(self, bucket: str) -> dict[str, bytes]:
        """What lies in a bucket."""
        return {name: found.data for name, found in self.store.buckets[bucket].items()}

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Answer one request of the JSON API."""
        with self.lock:
            self.requests.append(request)
            if fault := self._fault(request):
                return refusal(fault.status, fault.message)
            try:
                return self._route(request)
            except RefusedError as error:
                return refusal(error.status, str(error))

    def _fault(self, request: HttpRequest) -> Fault | None:
        for fault in self._faults:
            if fault.fits(request):
                fault.times -= 1
                return fault
        return None

    def _route(self, request: HttpRequest) -> HttpResponse:
        parts = request.path.strip("/").split("/")
        match parts:
            case ["batch", "storage", "v1"]:
                return self._batch(request)
            case ["upload", "storage", "v1", "b", bucket, "o"]:
                self._require_allowed(bucket)
                return self._upload(request, unquote(bucket))
            case ["resume", key]:
                return self._resume(request, key)
            case ["storage", "v1", "b"]:
                return self._create_bucket(request)
            case ["storage", "v1", "b", bucket, *rest] | ["download", "storage", "v1", "b", bucket, *rest]:
                self._require_allowed(bucket)
                return self._in_bucket(request, unquote(bucket), [unquote(part) for part in rest])
        raise RefusedError(404, f"no such route: {request.path}")

    def _require_allowed(self, bucket: str) -> None:
        if unquote(bucket) in self._denied:
            raise RefusedError(403, "caller does not have storage.objects access")

    def _in_bucket(self, request: HttpRequest, bucket: str, rest: list[str]) -> HttpResponse:
        match rest:
            case []:
                self.store.bucket(bucket)
                return as_json({"kind": "storage#bucket", "name": bucket, "id": bucket, "location": "EU"})
            case ["iam"]:
                return self._policy(request, bucket)
            case ["o"]:
                return self._list(request, bucket)
            case ["o", name]:
                return self._object(request, bucket, name)
            case ["o", name, "compose"]:
                return self._compose(request, bucket, name)
            case ["o", name, "rewriteTo" | "copyTo" as verb, "b", target, "o", new]:
                return self._copy(
                    request, self.store.get(bucket, name, asked_generation(request, "source")), verb, target, new
                )
        raise RefusedError(404, f"no such route: {request.path}")

    def _create_bucket(self, request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            return as_json({"items": [{"name": name} for name in self.store.buckets]})
        name = json.loads(request.body)["name"]
        if name in self.store.buckets:
            raise RefusedError(409, "Your previous request to create the named bucket succeeded.")
        self.store.buckets[name] = {}
        return as_json({"kind": "storage#bucket", "name": name, "id": name})

    def _policy(self, request: HttpRequest, bucket: str) -> HttpResponse:
        self.store.bucket(bucket)
        if request.method == "PUT":
            self._policies[bucket] = json.loads(request.body)
        return as_json({"kind": "storage#policy", "etag": "CAE=", "bindings": []} | self._policies.get(bucket, {}))

    def _list(self, request: HttpRequest, bucket: str) -> HttpResponse:
        prefix, delimiter = parameter(request, "prefix"), parameter(request, "delimiter")
        names = sorted(name for name in self.store.bucket(bucket) if name.startswith(prefix))
        found, folders = names, set()
        if delimiter:
            below = {name: name[len(prefix) :].split(delimiter)[0] + delimiter for name in names}
            folders = {f"{prefix}{folder}" for name, folder in below.items() if delimiter in name[len(prefix) :]}
            found = [name for name in names if delimiter not in name[len(prefix) :]]
        start = int(parameter(request, "pageToken") or 0)
        size = min(self.page_size, int(parameter(request, "maxResults") or self.page_size))
        page = {"items": [self.store.get(bucket, name).resource() for name in found[start : start + size]]}
        more = {"nextPageToken": str(start + size)} if start + size < len(found) else {}
        return as_json({"kind": "storage#objects", "prefixes": sorted(folders), **page, **more})

    def _object(self, request: HttpRequest, bucket: str, name: str) -> HttpResponse:
        conditions, generation = Preconditions.of(request.query), asked_generation(request)
        if request.method == "DELETE":
            self.store.delete(bucket, name, generation, conditions)
            return HttpResponse(204, b"")
        found = self.store.get(bucket, name, generation)
        conditions.check(found, reading=request.method == "GET")
        if request.method in {"PATCH", "PUT"}:
            changes = json.loads(request.body)
            return as_json(self.store.patch(found, changes, whole=request.method == "PUT").resource())
        return self._media(request, found) if parameter(request, "alt") == "media" else as_json(found.resource())

    def _media(self, request: HttpRequest, found: StoredObject) -> HttpResponse:
        data = found.data
        if found.name in self.corrupted:
            data = bytes([data[0] ^ 1]) + data[1:]
        headers = {
            "Content-Type": found.resource()["contentType"],
            # Without it the client checks nothing.
            "X-Goog-Hash": f"crc32c={found.crc32c},md5={found.md5}",
            "X-Goog-Generation": str(found.generation),
            "X-Goog-Metageneration": str(found.metageneration),
            "X-Goog-Stored-Content-Length": str(len(data)),
        }
        wanted = _RANGE.fullmatch(header(request, "range"))
        if wanted is None:
            return HttpResponse(200, data, headers)
        start = int(wanted[1])
        end = min(int(wanted[2] or len(data)), len(data) - 1)
        if start >= len(data):
            raise RefusedError(416, "Requested range not satisfiable")
        shown = {**headers, "Content-Range": f"bytes {start}-{end}/{len(data)}"}
        return HttpResponse(206, data[start : end + 1], shown)

    def _upload(self, request: HttpRequest, bucket: str) -> HttpResponse:
        kind, conditions = parameter(request, "uploadType"), Preconditions.of(request.query)
        if kind == "multipart":
            settings, data = related(request)
            name = settings.get("name") or parameter(request, "name")
            return as_json(self.store.put(bucket, name, data, settings, conditions).resource())
        if kind == "media":
            return as_json(self.store.put(bucket, parameter(request, "name"), request.body, {}, conditions).resource())
        settings = json.loads(request.body or b"{}")
        name = settings.get("name") or parameter(request, "name")
        # The service looks at preconditions at both ends of a resumable upload.
        conditions.check(self.store.bucket(bucket).get(name))
        key = uuid.uuid4().hex
        self._uploads[key] = _Upload(bucket, name, settings, conditions)
        return HttpResponse(
            200, b"", {"Location": f"{self.url}/resume/{key}?upload_id={key}", "X-GUploader-UploadID": key}
        )

    def _resume(self, request: HttpRequest, key: str) -> HttpResponse:
        upload = self._uploads.get(key)
        if upload is None:
            raise RefusedError(404, "no such upload")
        told = _CONTENT_RANGE.fullmatch(header(request, "content-range"))
        if told is None:
            upload.received, total = request.body, str(len(request.body))
        else:
            total = told[2]
            # A chunk that came already is not appended again.
            if told[1] is not None and int(told[1]) <= len(upload.received):
                upload.received = upload.received[: int(told[1])] + request.body
        if total == "*" or len(upload.received) < int(total):
            known = {"Range": f"bytes=0-{len(upload.received) - 1}"} if upload.received else {}
            return HttpResponse(_RESUME_INCOMPLETE, b"", known)
        del self._uploads[key]
        settings = upload.settings | hash_header(request)
        stored = self.store.put(upload.bucket, upload.name, upload.received, settings, upload.conditions)
        return as_json(stored.resource())

    def _compose(self, request: HttpRequest, bucket: str, name: str) -> HttpResponse:
        asked = json.loads(request.body)
        sources = []
        for source in asked["sourceObjects"]:
            # The client writes `"generation": null` for whatever is there.
            generation = int(source["generation"]) if source.get("generation") else None
            found = self.store.get(bucket, source["name"], generation)
            wanted = (source.get("objectPreconditions") or {}).get("ifGenerationMatch")
            Preconditions(generation=int(wanted) if wanted is not None else None).check(found)
            sources.append(found.data)
        settings, conditions = asked.get("destination") or {}, Preconditions.of(request.query)
        return as_json(self.store.put(bucket, name, b"".join(sources), settings, conditions).resource())

    def _copy(self, request: HttpRequest, source: StoredObject, verb: str, bucket: str, name: str) -> HttpResponse:
        Preconditions.of(request.query, "ifSource").check(source)
        settings = {**source.settings, **json.loads(request.body or b"{}")}
        self._require_allowed(bucket)
        stored = self.store.put(bucket, name, source.data, settings, Preconditions.of(request.query))
        if verb == "copyTo":
            return as_json(stored.resource())
        size = str(len(source.data))
        done = {"kind": "storage#rewriteResponse", "done": True, "totalBytesRewritten": size, "objectSize": size}
        return as_json({**done, "resource": stored.resource()})

    def _batch(self, request: HttpRequest) -> HttpResponse:
        answers = []
        # Batches hold text alone, and the client ends its lines as it likes.
        for part in body_parts(request, request.body.replace(b"\r\n", b"\n")):
            headers, _, inner = part.strip(b"\n").partition(b"\n\n")
            identity = re.search(rb"content-id: *<([^>\n]*)>", headers, re.IGNORECASE)
            response = self.answer(inner_request(inner))
            # The client reads `application/http` parts back in order.
            name = identity[1].decode() if identity else ""
            told = f"Content-Type: application/http\r\nContent-ID: <response-{name}>"
            status = f"HTTP/1.1 {response.status} Told\r\nContent-Type: application/json; charset=UTF-8"
            answers.append(f"{told}\r\n\r\n{status}\r\n\r\n".encode() + response.body)
        body = b"".join(b"--answer\r\n" + answer + b"\r\n" for answer in answers) + b"--answer--\r\n"
        return HttpResponse(200, body, {"Content-Type": 'multipart/mixed; boundary="answer"'})
