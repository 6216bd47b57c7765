"""How the loopback Cloud Storage reads requests and writes answers."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from loopback.server import HttpRequest, HttpResponse


def as_json(content: Mapping[str, Any]) -> HttpResponse:
    """A JSON answer."""
    return HttpResponse(200, json.dumps(content).encode())


def refusal(status: int, message: str) -> HttpResponse:
    """An error as the service words it."""
    told = {"code": status, "message": message, "errors": [{"message": message, "reason": str(status)}]}
    return HttpResponse(status, b"" if status == 304 else json.dumps({"error": told}).encode())


def parameter(request: HttpRequest, name: str) -> str:
    """A query parameter; "" when it was not given."""
    return request.query.get(name, [""])[0]


def header(request: HttpRequest, name: str) -> str:
    """A header by its name in small letters; "" when it was not sent."""
    return {key.lower(): value for key, value in request.headers.items()}.get(name, "")


def asked_generation(request: HttpRequest, prefix: str = "") -> int | None:
    """The generation that is asked for."""
    told = parameter(request, f"{prefix}Generation" if prefix else "generation")
    return int(told) if told else None


def hash_header(request: HttpRequest) -> dict[str, str]:
    """The checksum that came along, as metadata."""
    told = re.search(r"crc32c=([^,]+)", header(request, "x-goog-hash"))
    return {"crc32c": told[1]} if told else {}


def body_parts(request: HttpRequest, body: bytes) -> list[bytes]:
    """Parts of a multipart body, cut at its boundary: `email` would change line ends inside binary data."""
    boundary = re.search(r'boundary="?([^";]+)"?', header(request, "content-type"))
    assert boundary is not None
    _, *found, _ = body.split(b"--" + boundary[1].encode())
    return found


def related(request: HttpRequest) -> tuple[dict[str, Any], bytes]:
    """Metadata and content of a multipart upload; the content's own header says its type."""
    parts = [part.removeprefix(b"\r\n").removesuffix(b"\r\n") for part in body_parts(request, request.body)]
    (_, _, described), (headers, _, media) = (part.partition(b"\r\n\r\n") for part in parts)
    content_type = headers.decode().partition(":")[2].strip()
    return {"contentType": content_type, **json.loads(described)}, media


def inner_request(text: bytes) -> HttpRequest:
    """A request inside a batch."""
    head, _, body = text.partition(b"\n\n")
    first, *lines = head.decode().splitlines()
    method, target, _ = first.split(" ")
    parts = urlsplit(target)
    headers = dict(line.split(": ", 1) for line in lines if ": " in line)
    return HttpRequest(method, parts.path, parse_qs(parts.query, keep_blank_values=True), headers, body)
