"""The calls that an endpoint in Vertex AI needs, each repeated while that is safe, and its errors told in words."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from lab_lens.endpoints.base import EndpointError
from lab_lens.errors import InputError
from lab_lens.vertex_clients import VertexApi, VertexError, repeated, vertex_errors

if TYPE_CHECKING:
    from google.cloud import aiplatform_v1 as vertex

NOT_FOUND = 404
CONFLICT = 409
_ATTEMPTS = 6
_PAGE = 100
_CALL_SECONDS = 60.0
_LONGEST_PAUSE = 16
_logger = logging.getLogger(__name__)


class EndpointRefusedError(EndpointError, InputError):
    """Vertex AI does not do what it is asked: a permission, a quota, a name or a setting must be corrected."""


class EndpointBusyError(EndpointError):
    """A call may or may not have been performed: its answer was lost, or something else is at work there."""


class OperationFailedError(EndpointError):
    """A long-running operation ended with an error, or did not end in time."""


@dataclass(frozen=True)
class VertexCalls:
    """Calls of EndpointService in one project and region.

    Args:
        api: where they lead.
        poll_seconds: between two looks at an operation, and before the first repetition of a call.
        sleep: waits.
    """

    api: VertexApi
    poll_seconds: float = 5.0
    sleep: Callable[[float], None] = time.sleep

    def get(self, name: str) -> "vertex.Endpoint | None":
        """The endpoint of a full name; None: there is none.

        Raises:
            EndpointError: Vertex AI refuses to tell, or does not answer.
        """
        try:
            return self.patiently(lambda: self._client.get_endpoint(name=name, timeout=_CALL_SECONDS, retry=None))
        except VertexError as error:
            if error.code == NOT_FOUND:
                return None
            raise self.refused(error, "looking at the endpoint", "aiplatform.endpoints.get") from error

    def list_named(self, display_name: str) -> "list[vertex.Endpoint]":
        """Endpoints of a display name.

        Raises:
            EndpointError: Vertex AI refuses to tell, or does not answer.
        """
        asked = {"parent": self.api.parent, "filter": f'display_name="{display_name}"'}
        with self.telling("looking for the endpoint", "aiplatform.endpoints.list"):
            return list(self.patiently(lambda: list(self._client.list_endpoints(asked, retry=None))))

    def create(self, endpoint: "vertex.Endpoint", endpoint_id: str) -> str:
        """Begin to make an endpoint; gives the operation.

        Raises:
            EndpointBusyError: it may be there now.
            EndpointError: Vertex AI refuses it.
        """
        asked = {"parent": self.api.parent, "endpoint": endpoint, "endpoint_id": endpoint_id}
        with self.changing("making the endpoint", "aiplatform.endpoints.create"):
            return str(self._client.create_endpoint(asked, timeout=_CALL_SECONDS, retry=None).operation.name)

    def update(self, endpoint: "vertex.Endpoint", fields: list[str]) -> "vertex.Endpoint":
        """Change fields of an endpoint if it still has the etag that `endpoint` carries.

        Raises:
            EndpointBusyError: its etag is another one, or the change may have been made.
            EndpointError: Vertex AI refuses it.
        """
        doing = f"changing {' and '.join(fields)} of the endpoint"
        asked = {"endpoint": endpoint, "update_mask": {"paths": fields}}
        with self.changing(doing, "aiplatform.endpoints.update"):
            return self._client.update_endpoint(asked, timeout=_CALL_SECONDS, retry=None)

    def delete(self, name: str) -> str:
        """Begin to delete an endpoint; gives the operation.

        Raises:
            EndpointBusyError: it may be gone now.
            EndpointError: Vertex AI refuses it.
        """
        with self.changing("deleting the endpoint", "aiplatform.endpoints.delete"):
            return str(self._client.delete_endpoint(name=name, timeout=_CALL_SECONDS, retry=None).operation.name)

    def deploy(self, name: str, deployed: Mapping[str, Any], doing: str) -> str:
        """Begin to deploy a model without traffic; gives the operation.

        Raises:
            EndpointBusyError: it may have begun, or something else is at work there.
            EndpointError: Vertex AI refuses it.
        """
        asked = {"endpoint": name, "deployed_model": deployed}
        with self.changing(doing, "aiplatform.endpoints.deploy"):
            return str(self._client.deploy_model(asked, timeout=_CALL_SECONDS, retry=None).operation.name)

    def undeploy(self, name: str, deployed_id: str, doing: str) -> str:
        """Begin to take a deployed model down; gives the operation.

        Raises:
            EndpointBusyError: it may have begun, or something else is at work there.
            EndpointError: Vertex AI refuses it.
        """
        asked = {"endpoint": name, "deployed_model_id": deployed_id}
        with self.changing(doing, "aiplatform.endpoints.undeploy"):
            return str(self._client.undeploy_model(asked, timeout=_CALL_SECONDS, retry=None).operation.name)

    def wait(self, operation: str, *, timeout_seconds: float, doing: str) -> None:
        """Wait until an operation has ended well.

        Raises:
            OperationFailedError: it failed, or has not ended in time; then it was cancelled as far as it could be.
        """
        found = self._ended(operation, timeout_seconds)
        if found is None:
            self._cancel(operation)
            found = self._ended(operation, 12 * self.poll_seconds)
            told = "it was cancelled" if found else "it could not be cancelled and may still end later"
            raise OperationFailedError(
                f"{doing} took longer than {timeout_seconds / 60:g} minutes; {told}; raise "
                "deployment.vertex.deploy_timeout_minutes if the model is large"
            )
        if found.error.code:
            raise OperationFailedError(self._failed(found, doing))

    def settle(self, name: str, *, timeout_seconds: float) -> None:
        """Wait until nothing is at work on an endpoint, such as what a killed run began; how it ends does not matter.

        Raises:
            EndpointError: something still is, or Vertex AI does not tell.
        """
        for operation in self._at_work(name):
            _logger.info("waiting for %s, which is at work on the endpoint", operation.rsplit("/", 1)[1])
            if self._ended(operation, timeout_seconds) is None:
                raise EndpointRefusedError(
                    f"{operation} has been at work on the endpoint for over {timeout_seconds / 60:g} minutes; wait for "
                    "its end or cancel it, then repeat this"
                )

    def refused(self, error: VertexError, doing: str, permission: str) -> EndpointError:
        """The error of a call, as this module tells it."""
        words = self.api.in_words(error, doing, permission)
        return EndpointError(words) if error.is_passing else EndpointRefusedError(words)

    @contextmanager
    def telling(self, doing: str, permission: str) -> Iterator[None]:
        """Tell the errors of calls in words."""
        try:
            with vertex_errors():
                yield
        except VertexError as error:
            raise self.refused(error, doing, permission) from error

    @property
    def _client(self) -> Any:
        return self.api.client("Endpoint")

    @contextmanager
    def changing(self, doing: str, permission: str) -> Iterator[None]:
        """Tell errors of a call that changes something; one that may pass, or a lost race, the caller is to judge."""
        try:
            with vertex_errors():
                yield
        except VertexError as error:
            if error.is_passing or _is_race(error):
                raise EndpointBusyError(self.api.in_words(error, doing, permission)) from error
            raise self.refused(error, doing, permission) from error

    def _at_work(self, name: str) -> list[str]:
        asked = {"name": name, "page_size": _PAGE}
        found: list[str] = []
        with self.telling("looking for operations", "aiplatform.operations.list"):
            while True:
                page = self.patiently(partial(self._client.list_operations, asked, timeout=_CALL_SECONDS))
                found += [operation.name for operation in page.operations if not operation.done]
                if not page.next_page_token:
                    return found
                asked["page_token"] = page.next_page_token

    def _ended(self, operation: str, timeout_seconds: float) -> Any:
        """The operation when it has ended; None: not in time."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            with self.telling("looking at an operation", "aiplatform.operations.get"):
                found = self.patiently(partial(self._client.get_operation, {"name": operation}, timeout=_CALL_SECONDS))
            if found.done:
                return found
            if time.monotonic() > deadline:
                return None
            self.sleep(self.poll_seconds)

    def _cancel(self, operation: str) -> None:
        try:
            with vertex_errors():
                self._client.cancel_operation({"name": operation}, timeout=_CALL_SECONDS)
        except VertexError as error:
            _logger.warning("%s could not be cancelled: %s", operation, error)

    def _failed(self, operation: Any, doing: str) -> str:
        message = " ".join(operation.error.message.split())
        cure = ""
        if operation.error.code == _EXHAUSTED:
            cure = f"; ask for more of this quota of {self.api.project}, or take another machine or region"
        return f"{doing} failed: {message} ({_GRPC_NAMES.get(operation.error.code, operation.error.code)}){cure}"

    def patiently(self, call: Callable[[], Any]) -> Any:
        """Repeat a call that changes nothing while its failure may pass.

        Raises:
            VertexError: it did not.
        """

        def told() -> Any:
            with vertex_errors():
                return call()

        return repeated(told, attempts=_ATTEMPTS, sleep=self.pause)

    def until(self, is_done: Callable[[], bool], act: Callable[[], None], doing: str) -> None:
        """Act until a look says that it is done: the answer of a call may be lost, or somebody else be quicker.

        Raises:
            EndpointError: of the look, or of the act unless it is EndpointBusyError; or some tries did not do it.
        """
        problem = "Vertex AI says that it did, and yet it is not done"
        for attempt in range(_ATTEMPTS):
            if is_done():
                return
            try:
                act()
            except EndpointBusyError as error:
                _logger.warning("looking again: %s", error)
                problem = str(error)
                self.pause(attempt)
        if not is_done():
            raise EndpointError(f"{doing} did not succeed in {_ATTEMPTS} attempts: {problem}")

    def pause(self, attempt: int) -> None:
        """Wait before the next attempt of something, longer each time."""
        self.sleep(self.poll_seconds * min(2**attempt, _LONGEST_PAUSE) / 4)


_EXHAUSTED = 8
_GRPC_NAMES = {
    1: "CANCELLED",
    3: "INVALID_ARGUMENT",
    4: "DEADLINE_EXCEEDED",
    5: "NOT_FOUND",
    7: "PERMISSION_DENIED",
    _EXHAUSTED: "RESOURCE_EXHAUSTED",
    9: "FAILED_PRECONDITION",
    13: "INTERNAL",
    14: "UNAVAILABLE",
}


def _is_race(error: VertexError) -> bool:
    """Whether somebody else was quicker: an id that is taken, a changed etag, an operation at work."""
    told = error.message.lower()
    return error.code in (CONFLICT, 412) or (error.code == 400 and ("etag" in told or "other operations" in told))
