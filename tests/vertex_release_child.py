"""A release in a process of its own, which a test may kill at any moment; it loads nothing of the tests."""

import json
import os

from lab_lens.config_deployment import Deployment
from lab_lens.endpoints.rollout import roll_out
from lab_lens.endpoints.vertex import VertexEndpoint
from lab_lens.registry.open import open_registry

LOCATION = "vertex://clinic/europe-west4/discharge-notes"
POLL_SECONDS = 0.0004
# What a release loads besides lab_lens.
CLIENTS = ["pytest", "google.cloud.aiplatform_v1", "google.cloud.storage", "lab_lens.notes.synthetic"]


def release_here(cloud_url: str, settings: str, location: str, version: str) -> None:
    """Release a version.

    Args:
        cloud_url: of the loopback Cloud Storage.
        settings: of the deployment, as JSON.
        location: of the registry.
        version: a registered version.
    """
    os.environ |= {"STORAGE_EMULATOR_HOST": cloud_url, "GOOGLE_CLOUD_PROJECT": "clinic"}
    limits = Deployment.model_validate(json.loads(settings))
    endpoint = VertexEndpoint(LOCATION, limits, poll_seconds=POLL_SECONDS, young_seconds=0.0)
    roll_out(endpoint, open_registry(location), version, limits, actor="ana", run_id="run-1")
