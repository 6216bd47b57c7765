"""HTTP rules of Google's own REST clients, read the other way round: from a request on the wire to its real type.

`/v1/{parent=projects/*/locations/*}/pipelineJobs` with the body `pipeline_job` becomes a `CreatePipelineJobRequest`; a
field that the type does not have is an error, as it is at Google.
"""

import importlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import unquote

from google.protobuf import json_format, message

from loopback.server import HttpRequest

_VARIABLE = re.compile(r"\{([\w.]+)=([^}]+)\}")


@dataclass(frozen=True)
class Route:
    """One HTTP rule of one method."""

    service: str
    rpc: str
    http_method: str
    uri: str
    body: str | None
    request_type: Any
    response_type: Any

    def values(self, path: str) -> dict[str, str] | None:
        """The fields that the path carries, or None where the rule is for other paths."""
        found = _pattern(self.uri).fullmatch(path)
        if found is None:
            return None
        names = [name for name, _ in _VARIABLE.findall(self.uri)]
        return {name: unquote(value) for name, value in zip(names, found.groups(), strict=True)}

    def parse(self, request: HttpRequest, values: dict[str, str]) -> Any:
        """The request as Google's own type.

        Raises:
            json_format.ParseError: the type has no such field, or the field does not take such a value.
        """
        content: dict[str, Any] = {}
        if request.body:
            sent = json.loads(request.body)
            if self.body == "*":
                content |= sent
            elif self.body is not None:
                content[self.body] = sent
        for name, given in request.query.items():
            if not name.startswith("$"):
                _put(content, name, given if len(given) > 1 else given[0])
        for name, value in values.items():
            _put(content, name, value)
        return _fill(self.request_type, content)


def routes_of(service: str) -> list[Route]:
    """Rules of a service such as `pipeline_service`, in the order in which they are tried.

    Operations of all services share their paths, so a server that serves several services takes the first that fits.
    """
    name = "".join(part.capitalize() for part in service.split("_"))
    base = f"google.cloud.aiplatform_v1.services.{service}.transports"
    rules = vars(getattr(importlib.import_module(f"{base}.rest_base"), f"_Base{name}RestTransport"))
    stubs = getattr(importlib.import_module(f"{base}.rest"), f"{name}RestTransport")
    return [
        Route(service, rpc, option["method"].upper(), option["uri"], option.get("body"), *_types(stubs, rpc))
        for rpc, options in _options(rules)
        for option in options
    ]


def _options(rules: Any) -> Iterator[tuple[str, list[dict[str, str]]]]:
    for attribute, rule in rules.items():
        if attribute.startswith("_Base") and hasattr(rule, "_get_http_options"):
            yield attribute.removeprefix("_Base"), rule._get_http_options()


def _types(stubs: Any, rpc: str) -> tuple[Any, Any]:
    annotations = getattr(stubs, f"_{rpc}").__call__.__annotations__
    return annotations["request"], annotations.get("return")


@cache
def _pattern(uri: str) -> re.Pattern[str]:
    """`/v1/{name=projects/*/jobs/*}:cancel` as a regular expression with one group a variable."""
    pattern, end = "", 0
    for variable in _VARIABLE.finditer(uri):
        pattern += re.escape(uri[end : variable.start()])
        pattern += "(" + re.escape(variable[2]).replace(r"\*\*", ".+").replace(r"\*", "[^/:]+") + ")"
        end = variable.end()
    return re.compile(pattern + re.escape(uri[end:]))


def _put(content: dict[str, Any], name: str, value: Any) -> None:
    """Set `a.b` inside nested dictionaries."""
    *groups, last = name.split(".")
    for group in groups:
        content = content.setdefault(group, {})
    content[last] = value


def _fill(kind: Any, content: dict[str, Any]) -> Any:
    """A request of proto-plus or of protobuf itself."""
    filled = kind()
    json_format.ParseDict(content, plain(filled))
    return filled


def plain(value: Any) -> message.Message:
    """The protobuf message inside a proto-plus one."""
    inner: message.Message = value if isinstance(value, message.Message) else type(value).pb(value)
    return inner
