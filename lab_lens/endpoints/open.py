"""Endpoints by their location: the supervisor of a directory on this machine, or an endpoint of Vertex AI."""

import logging
from pathlib import Path

from lab_lens.config_deployment import Deployment
from lab_lens.endpoints.base import Endpoint
from lab_lens.endpoints.local import SCHEME, LocalEndpoint
from lab_lens.errors import InputError
from lab_lens.registry.base import Registry, served_at
from lab_lens.registry.open import is_elsewhere

VERTEX_SCHEME = "vertex://"
_logger = logging.getLogger(__name__)


def endpoint_problems(limits: Deployment, registry: str) -> list[str]:
    """Why the configured endpoint could not serve what lies in a registry, as far as their addresses tell.

    Args:
        limits: the endpoint, and what it serves on.
        registry: location of the registry.
    """
    place = limits.endpoint
    if not place.startswith(VERTEX_SCHEME):
        return []
    problems = []
    if not is_elsewhere(registry):
        problems.append(
            f"deployment.endpoint {place} cannot serve from the registry {registry}: Vertex AI reads models from Cloud "
            "Storage; give --registry gs://BUCKET/PREFIX or vertex://..."
        )
    if not limits.vertex.serving_image and "image=" not in registry:
        problems.append(
            f"deployment.endpoint {place} needs an image to serve with: give deployment.vertex.serving_image, the one "
            "that `make images` pushed"
        )
    return problems


def endpoint_to_move(registry: Registry, limits: Deployment, *, registry_only: bool) -> Endpoint | None:
    """The endpoint whose traffic goes where production goes; None: there is none, the registry alone is changed.

    Args:
        registry: its history says where traffic was moved last.
        limits: the configured endpoint, if any.
        registry_only: the caller wants the registry alone to be changed, whatever is served where.

    Raises:
        InputError: none is configured, though the history says that clients are served at one.
    """
    served = served_at(registry.history())
    if registry_only:
        return None
    if not limits.endpoint:
        if served:
            raise InputError(
                f"clients are served at {served}, and no endpoint is configured: nothing was changed, since they would "
                f"still get what that serves; give --endpoint {served} (or deployment.endpoint), or --registry-only"
            )
        return None
    endpoint = open_endpoint(limits.endpoint, limits)
    if served not in ("", endpoint.location):
        _logger.warning(
            "traffic was last moved at %s; this moves that of %s, and clients of the former keep what it serves",
            served,
            endpoint.location,
        )
    return endpoint


def registry_only_words(registry: Registry) -> str:
    """What the history says of a change of the registry alone."""
    served = served_at(registry.history())
    return f"the registry alone was changed{f', not the traffic of {served}' if served else ''}"


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
