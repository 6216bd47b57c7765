"""Names of what lab-lens makes in Vertex AI, so that it finds again what it made, also after it was killed."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lab_lens.endpoints.base import Release
from lab_lens.errors import InputError

SCHEME = "vertex://"
# On endpoints, and on models that were uploaded for one: made by lab-lens for the endpoint of this id.
OWNER_LABEL = "lab_lens_endpoint"
# On an endpoint until something was deployed to it: the version that it was made for.
NEW_LABEL = "lab_lens_made_for"
_LOCATION = re.compile(r"vertex://(?P<project>[^/?#]+)/(?P<region>[^/?#]+)/(?P<name>[^/?#]+)")
# https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.endpoints/create, endpointId
_ENDPOINT_ID = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?|[1-9][0-9]*")
_DEPLOYED = re.compile(r"lab-lens (?P<version>v\S+) (?P<content>[0-9a-f]{32})")
_UNSAFE = re.compile(r"[^a-z0-9_-]")
_ID_DIGITS = 10
_HASH_LETTERS = 32
_LABEL_LETTERS = 63


@dataclass(frozen=True)
class EndpointName:
    """Where an endpoint is: project id, region, and its id or display name."""

    project: str
    region: str
    name: str

    @property
    def can_be_id(self) -> bool:
        """Whether Vertex AI takes the name as an endpoint's id, which makes it unique."""
        return _ENDPOINT_ID.fullmatch(self.name) is not None


def parse_location(location: str) -> EndpointName:
    """Read `vertex://PROJECT/LOCATION/ENDPOINT_NAME`.

    Raises:
        InputError: it is something else.
    """
    found = _LOCATION.fullmatch(location)
    if found is None:
        raise InputError(
            f"{location!r} is no endpoint of Vertex AI: give vertex://PROJECT/LOCATION/ENDPOINT_NAME, "
            "such as vertex://my-project/europe-west4/discharge-notes"
        )
    return EndpointName(**found.groupdict())


def deployed_id(release: Release) -> str:
    """The id of a release on its endpoint: the same at every try, so that it cannot be deployed twice."""
    digest = hashlib.sha256(f"{release.version} {release.content_hash}".encode()).digest()
    lowest = 10 ** (_ID_DIGITS - 1)
    return str(lowest + int.from_bytes(digest[:8], "big") % (9 * lowest))


def deployed_name(release: Release) -> str:
    """The display name of a release on its endpoint."""
    return f"lab-lens {release.version} {release.content_hash[:_HASH_LETTERS]}"


def version_of(deployed: Any) -> str:
    """The version that a deployed model is; what others deployed goes by its id."""
    found = _DEPLOYED.fullmatch(deployed.display_name)
    return found["version"] if found else f"deployed-model-{deployed.id}"


def holds(deployed: Any, release: Release) -> bool:
    """Whether a deployed model is exactly this release."""
    return bool(deployed.display_name == deployed_name(release))


def model_id(endpoint_id: str, release: Release) -> str:
    """The id of the model that is uploaded for a release where no registry has put it into Vertex AI."""
    told = f"lab-lens-{release.content_hash[:12]}-{_UNSAFE.sub('-', release.version.lower())}-{endpoint_id}"
    return told[:_LABEL_LETTERS].rstrip("-_")


def model_name(version: str) -> str:
    """The display name of such a model."""
    return f"lab-lens {version}"


def label(text: str) -> str:
    """A text as the value of a label."""
    return _UNSAFE.sub("-", text.lower())[:_LABEL_LETTERS]


def labels_of_endpoint(endpoint_id: str, release: Release) -> Mapping[str, str]:
    """Labels of an endpoint that is made for a release."""
    return {OWNER_LABEL: label(endpoint_id), NEW_LABEL: label(release.version)}
