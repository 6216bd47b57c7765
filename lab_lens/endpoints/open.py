"""Endpoints by their location: the supervisor of a directory on this machine, or an endpoint of Vertex AI."""

from pathlib import Path

from lab_lens.config_deployment import Deployment
from lab_lens.endpoints.base import Endpoint
from lab_lens.endpoints.local import SCHEME, LocalEndpoint
from lab_lens.errors import InputError

VERTEX_SCHEME = "vertex://"


def open_endpoint(location: str, limits: Deployment) -> Endpoint:
    """Give the endpoint at a location; nothing is asked or made yet.

    Args:
        location: `local:DIR`, or `vertex://PROJECT/LOCATION/ENDPOINT_NAME`.
        limits: how long to wait, and what a version is served on.

    Raises:
        InputError: it is neither.
    """
    if location.startswith(VERTEX_SCHEME):
        from lab_lens.endpoints.vertex import VertexEndpoint

        return VertexEndpoint(location, limits)
    if location.startswith(SCHEME) and (directory := location.removeprefix(SCHEME)):
        return LocalEndpoint(Path(directory), limits)
    raise InputError(f"{location!r} is no endpoint: give local:DIR, or vertex://PROJECT/LOCATION/ENDPOINT_NAME")
