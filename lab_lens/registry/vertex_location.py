"""Where a registry is that Vertex AI Model Registry shows: `vertex://PROJECT/LOCATION/MODEL?store=gs://BUCKET/PREFIX`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from lab_lens.errors import InputError
from lab_lens.storage.location import parse_uri
from lab_lens.vertex_clients import is_loopback

_SHAPE = "vertex://PROJECT/LOCATION/MODEL?store=gs://BUCKET/PREFIX"
_PROJECT = re.compile(r"[a-z0-9.:-]*[a-z][a-z0-9-]{4,28}[a-z0-9]|[0-9]+")
_REGION = re.compile(r"[a-z]+-[a-z]+[0-9]+")
# https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.models/upload, modelId
_MODEL = re.compile(r"[a-z_][a-z0-9_-]{0,62}")
_IMAGE = re.compile(r"[a-z0-9][a-z0-9.-]*/[^\s&?]+[:@][^\s&?]+")
_QUERY = ("store", "image", "api_endpoint")


@dataclass(frozen=True)
class VertexLocation:
    """A model of Vertex AI, and the Cloud Storage registry whose versions it shows.

    Attributes:
        project, region: of the model.
        model: its id.
        store: `gs://bucket/prefix`, where everything is.
        image: serving image with its tag or digest, which Vertex AI runs when somebody deploys a version of the model;
            "": versions can be looked at there, not deployed.
        api_endpoint: another address of the API, such as that of Private Service Connect; "" for the region's own.
    """

    project: str
    region: str
    model: str
    store: str
    image: str = ""
    api_endpoint: str = ""


def parse_vertex_location(text: str) -> VertexLocation:
    """Read a location.

    Args:
        text: `vertex://PROJECT/LOCATION/MODEL?store=gs://BUCKET/PREFIX`, also with `&image=IMAGE` and
            `&api_endpoint=ADDRESS`.

    Raises:
        InputError: naming everything that is wrong with it.
    """
    parts = urlsplit(text)
    names = [parts.netloc, *parts.path.strip("/").split("/")]
    if parts.scheme != "vertex" or len(names) != 3 or parts.fragment:
        raise InputError(f"{text!r} is no registry of Vertex AI: give {_SHAPE}")
    given = {key: values[-1] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
    project, region, model = names
    location = VertexLocation(project, region, model, **{key: given.get(key, "") for key in _QUERY})
    if problems := [problem for problem in (*_unknown(given), *_problems(location)) if problem]:
        raise InputError([f"{text!r}: {problem}" for problem in problems])
    return location


def _unknown(given: Mapping[str, str]) -> list[str]:
    return [f"{key!r} is not known; known: {', '.join(_QUERY)}" for key in given if key not in _QUERY]


def _problems(location: VertexLocation) -> list[str]:
    return [
        "" if _PROJECT.fullmatch(location.project) else f"{location.project!r} is no project id",
        "" if _REGION.fullmatch(location.region) else f"{location.region!r} is no region, such as europe-west4",
        ""
        if _MODEL.fullmatch(location.model)
        else f"{location.model!r} is no model id: at most 63 small letters, digits, '-' and '_', no digit or '-' first",
        _store_problem(location.store),
        ""
        if not location.image or _IMAGE.fullmatch(location.image)
        else f"{location.image!r} is no image with a tag or digest, such as REPOSITORY/lab-lens-serving:v1",
        _address_problem(location.api_endpoint),
    ]


def _store_problem(store: str) -> str:
    if not store:
        return f"store is missing: Vertex AI shows versions, but does not keep them; give {_SHAPE}"
    try:
        parse_uri(store)
    except InputError as error:
        return f"store: {error}"
    return ""


def _address_problem(address: str) -> str:
    if not address or address.startswith("https://") or (address.startswith("http://") and is_loopback(address)):
        return ""
    return f"api_endpoint {address!r} must begin with https:// (http:// is for loopback only)"
