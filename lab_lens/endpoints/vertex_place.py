"""The endpoint as a resource of Vertex AI: found by its name, made once, and removed if nothing ever ran on it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab_lens.endpoints.base import EndpointError, Release
from lab_lens.endpoints.vertex_calls import EndpointRefusedError, VertexCalls
from lab_lens.endpoints.vertex_names import NEW_LABEL, EndpointName, labels_of_endpoint

if TYPE_CHECKING:
    from google.cloud import aiplatform_v1 as vertex

_OPERATION_SECONDS = 900.0


@dataclass(frozen=True)
class EndpointPlace:
    """Where the deployed models are.

    Args:
        calls: of the project and region.
        where: the endpoint's name.
        dedicated: whether one that is made gets an address of its own.
    """

    calls: VertexCalls
    where: EndpointName
    dedicated: bool

    def find(self) -> "vertex.Endpoint | None":
        """The endpoint by its id, or by its display name; None: there is none.

        Raises:
            EndpointError: several have that display name, or Vertex AI does not tell.
        """
        if self.where.can_be_id and (found := self.calls.get(self._full_name)) is not None:
            return found
        named = self.calls.list_named(self.where.name)
        if len(named) > 1:
            ids = ", ".join(endpoint.name.rsplit("/", 1)[1] for endpoint in named)
            raise EndpointRefusedError(f"{len(named)} endpoints are called {self.where.name} ({ids}); give one's id")
        return named[0] if named else None

    def present(self) -> "vertex.Endpoint":
        """The endpoint, which must be there.

        Raises:
            EndpointError: it is not, or Vertex AI does not tell.
        """
        if (endpoint := self.find()) is None:
            raise EndpointError(
                f"there is no endpoint {self.where.name} in {self.where.region} of {self.where.project}; deploy a "
                "version first"
            )
        return endpoint

    def make(self, release: Release) -> None:
        """Make the endpoint for a release, if it is not there; until `keep`, it is there for that alone.

        Raises:
            EndpointError: its name is not allowed, or Vertex AI refuses it.
        """
        doing = f"making the endpoint {self.where.name}"
        self.calls.until(lambda: self.find() is not None, lambda: self._create(release, doing), doing)

    def keep(self) -> None:
        """From now on the endpoint stays when a deployment fails.

        Raises:
            EndpointError: Vertex AI refuses it.
        """
        doing = f"keeping the endpoint {self.where.name}"
        self.calls.until(lambda: NEW_LABEL not in self.present().labels, self._remove_label, doing)

    def remove_if_new(self) -> None:
        """Delete the endpoint if it was made for deployments of which none succeeded.

        Raises:
            EndpointError: Vertex AI refuses it.
        """
        doing = f"deleting the endpoint {self.where.name}"
        self.calls.until(lambda: not self._is_new(), lambda: self._delete(doing), doing)

    @property
    def _full_name(self) -> str:
        return f"{self.calls.api.parent}/endpoints/{self.where.name}"

    def _is_new(self) -> bool:
        endpoint = self.find()
        return endpoint is not None and NEW_LABEL in endpoint.labels and not endpoint.deployed_models

    def _create(self, release: Release, doing: str) -> None:
        from google.cloud import aiplatform_v1 as vertex

        name = self.where.name
        if not self.where.can_be_id or name.isdigit():
            raise EndpointRefusedError(
                f"there is no endpoint {name} in {self.where.region} of {self.where.project}, and it cannot be made: "
                "the name of a new one is a lower-case letter, then lower-case letters, digits and hyphens, 63 at most"
            )
        endpoint = vertex.Endpoint(
            display_name=name, labels=labels_of_endpoint(name, release), dedicated_endpoint_enabled=self.dedicated
        )
        operation = self.calls.create(endpoint, name)
        self.calls.wait(operation, timeout_seconds=_OPERATION_SECONDS, doing=doing)

    def _remove_label(self) -> None:
        from google.cloud import aiplatform_v1 as vertex

        present = self.present()
        labels = {key: value for key, value in present.labels.items() if key != NEW_LABEL}
        self.calls.update(vertex.Endpoint(name=present.name, etag=present.etag, labels=labels), ["labels"])

    def _delete(self, doing: str) -> None:
        operation = self.calls.delete(self.present().name)
        self.calls.wait(operation, timeout_seconds=_OPERATION_SECONDS, doing=doing)
