"""The model of Vertex AI that a release is deployed as: its registry's own version, or one that is uploaded for it."""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from lab_lens.config_deployment import VertexServing
from lab_lens.endpoints.base import Release
from lab_lens.endpoints.vertex_calls import NOT_FOUND, EndpointRefusedError, VertexCalls
from lab_lens.endpoints.vertex_names import OWNER_LABEL, label, model_id, model_name
from lab_lens.registry.vertex_view import STORE_LABEL
from lab_lens.vertex_clients import VertexError

# As the registry's own label of a version, whose content hash it begins with.
CONTENT_LABEL = "lab_lens_content"
LABEL_HASH_CHARS = 32
_CALL_SECONDS = 60.0
_OPERATION_SECONDS = 1800.0
_PORT = 8080
# Vertex AI's own bound on a container that starts.
_LONGEST_START_SECONDS = 7200
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class VertexModels:
    """Models that are uploaded for one endpoint, each under an id that follows from the release.

    Args:
        calls: of the project and region.
        serving: the container, and how long it may take.
        endpoint_id: of the endpoint.
    """

    calls: VertexCalls
    serving: VertexServing
    endpoint_id: str

    def resource_of(self, release: Release) -> str:
        """The full name of a release's model: the version that its registry shows there, else one that is uploaded.

        A registry's version is taken if it has these files, and the serving image of the settings, if they name one.

        Raises:
            EndpointError: its files are not in Cloud Storage, no serving image is named, or Vertex AI refuses it.
        """
        if registered := self._registered(release):
            return registered
        name = f"{self.calls.api.parent}/models/{model_id(self.endpoint_id, release)}"
        doing = f"uploading {release.version} as a model"
        self.calls.until(lambda: self._is_there(name), lambda: self._upload(release, doing), doing)
        return name

    def remove(self, version: str) -> None:
        """Delete what was uploaded of a version for this endpoint, if anything.

        Raises:
            EndpointError: Vertex AI refuses it.
        """
        for name in self._uploaded(version):
            self._remove(name)

    def sweep(self, used: Collection[str], *, older_than_seconds: float) -> None:
        """Delete models that were uploaded for this endpoint and are not used, such as what a killed process left.

        Args:
            used: full names of models, with or without a version.
            older_than_seconds: younger ones may be another process's, which is about to deploy them.

        Raises:
            EndpointError: Vertex AI refuses it.
        """
        kept = {name.split("@")[0].rsplit("/", 1)[1] for name in used}
        latest = datetime.now(UTC) - timedelta(seconds=older_than_seconds)
        for model in self._listed(self._own):
            if model.name.rsplit("/", 1)[1] not in kept and model.version_create_time <= latest:
                _logger.info("deleting %s, which is not used any more", model.name)
                self._remove(model.name)

    def _remove(self, name: str) -> None:
        doing = f"deleting the model {name.rsplit('/', 1)[1]}"
        self.calls.until(lambda: not self._is_there(name), lambda: self._delete(name, doing), doing)

    def _registered(self, release: Release) -> str:
        """The version in Vertex AI Model Registry that is a release; "": there is none that can be deployed."""
        for model in self._listed(f"labels.{STORE_LABEL}:*"):
            for version in self._versions(model.name):
                if self._is_deployable(version, release):
                    return f"{model.name}@{version.version_id}"
        return ""

    def _versions(self, name: str) -> list[Any]:
        with self.calls.telling("looking at a model's versions", "aiplatform.models.list"):
            return list(self.calls.patiently(lambda: list(self._client.list_model_versions(name=name, retry=None))))

    def _is_deployable(self, version: Any, release: Release) -> bool:
        image = version.container_spec.image_uri
        same_image = image == self.serving.serving_image or (image and not self.serving.serving_image)
        is_release = version.labels.get(CONTENT_LABEL, "") == release.content_hash[:LABEL_HASH_CHARS]
        return bool(same_image and is_release and version.artifact_uri == release.uri)

    def _uploaded(self, version: str) -> list[str]:
        return [model.name for model in self._listed(self._own) if model.display_name == model_name(version)]

    @property
    def _own(self) -> str:
        return f'labels.{OWNER_LABEL}="{label(self.endpoint_id)}"'

    def _listed(self, expression: str) -> list[Any]:
        asked = {"parent": self.calls.api.parent, "filter": expression}
        with self.calls.telling("looking for models", "aiplatform.models.list"):
            return list(self.calls.patiently(lambda: list(self._client.list_models(asked, retry=None))))

    def _is_there(self, name: str) -> bool:
        try:
            self.calls.patiently(lambda: self._client.get_model(name=name, timeout=_CALL_SECONDS, retry=None))
        except VertexError as error:
            if error.code == NOT_FOUND:
                return False
            raise self.calls.refused(error, "looking at a model", "aiplatform.models.get") from error
        return True

    def _upload(self, release: Release, doing: str) -> None:
        model = {"model_id": model_id(self.endpoint_id, release), "model": self._model(release)}
        with self.calls.changing(doing, "aiplatform.models.upload"):
            begun = self._client.upload_model(
                {"parent": self.calls.api.parent, **model}, timeout=_CALL_SECONDS, retry=None
            )
        self.calls.wait(begun.operation.name, timeout_seconds=_OPERATION_SECONDS, doing=doing)

    def _delete(self, name: str, doing: str) -> None:
        with self.calls.changing(doing, "aiplatform.models.delete"):
            begun = self._client.delete_model(name=name, timeout=_CALL_SECONDS, retry=None)
        self.calls.wait(begun.operation.name, timeout_seconds=_OPERATION_SECONDS, doing=doing)

    @property
    def _client(self) -> Any:
        return self.calls.api.client("Model")

    def _model(self, release: Release) -> Mapping[str, Any]:
        problems = []
        if not release.uri.startswith("gs://"):
            problems.append(
                f"{release.version} lies at {release.uri}, and Vertex AI loads models from Cloud Storage only: "
                "register it in gs://BUCKET/PREFIX"
            )
        if not self.serving.serving_image:
            problems.append("deployment.vertex.serving_image names no image; give the one that `make images` pushed")
        if problems:
            raise EndpointRefusedError(problems)
        return {
            "display_name": model_name(release.version),
            "description": f"sha256 {release.content_hash}",
            "labels": {OWNER_LABEL: label(self.endpoint_id)},
            "artifact_uri": release.uri,
            "container_spec": container_spec(self.serving),
        }


def container_spec(serving: VertexServing) -> Mapping[str, Any]:
    """How Vertex AI runs the serving image; the routes are those that it sets for `lab_lens.serving`."""
    seconds = min(int(serving.deploy_timeout_minutes * 60), _LONGEST_START_SECONDS)
    return {
        "image_uri": serving.serving_image,
        "ports": [{"container_port": _PORT}],
        "predict_route": "/predict",
        "health_route": "/health",
        "deployment_timeout": {"seconds": max(seconds, 1)},
    }
