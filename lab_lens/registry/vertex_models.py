"""The calls of Vertex AI's ModelService that showing a registry needs, their errors told in words.

None is repeated blindly: an upload of which the answer was lost may have succeeded. Whoever calls looks again first.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from lab_lens.errors import InputError
from lab_lens.registry.vertex_location import VertexLocation
from lab_lens.registry.vertex_plan import Shown
from lab_lens.registry.vertex_view import STORE_LABEL, store_label
from lab_lens.vertex_clients import VertexApi, VertexError, repeated, vertex_errors

_ATTEMPTS = 5
_CALL_SECONDS = 60.0
_OPERATION_SECONDS = 1800.0
_NOT_FOUND = 404
_SLICES_AT_ONCE = 50
# The gRPC codes that long-running operations end with, as the HTTP statuses that calls would have.
_STATUS_OF = {3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 13: 500, 14: 503}
_T = TypeVar("_T")


class PassingError(InputError):
    """A call failed that may succeed later; whether it was performed is not known."""


class ImpossibleError(InputError):
    """Vertex AI does not do what it is asked, because of what it holds."""


@dataclass(frozen=True)
class VertexModel:
    """One model of Vertex AI.

    Args:
        location: of the registry that it shows.
        poll_seconds: between two looks at an operation, and before the first repetition of a look.
        sleep: waits.
    """

    location: VertexLocation
    poll_seconds: float = 2.0
    sleep: Callable[[float], None] = time.sleep

    @property
    def name(self) -> str:
        """Its full name."""
        return f"{self._api.parent}/models/{self.location.model}"

    def shown(self) -> list[Shown] | None:
        """The versions that show this registry's; None: the model does not exist.

        Raises:
            InputError: the model shows something else, or Vertex AI does not tell.
        """
        try:
            with self._telling("looking at the model's versions", "aiplatform.models.list"):
                found = self._looked(lambda: list(self._client.list_model_versions(name=self.name, retry=None)))
        except ImpossibleError as error:
            if isinstance(error.__cause__, VertexError) and error.__cause__.code == _NOT_FOUND:
                return None
            raise
        ours = [item for item in found if item.labels.get(STORE_LABEL) == store_label(self.location.store)]
        if found and not ours:
            raise InputError(
                f"{self.name} has {len(found)} versions, and none of them is of the registry {self.location.store}; "
                "give another model id"
            )
        return [Shown(int(item.version_id), frozenset(item.version_aliases), dict(item.labels)) for item in ours]

    def upload(self, model: Mapping[str, Any], *, first: bool) -> None:
        """Add a version that is not default, or make the model with it.

        Raises:
            InputError: Vertex AI refuses it, or fails.
        """
        target = {"model_id": self.location.model} if first else {"parent_model": self.name}
        asked = {"parent": self._api.parent, "model": model, **target}
        with self._telling("showing a version", "aiplatform.models.upload"):
            self._wait(self._client.upload_model(asked, timeout=_CALL_SECONDS, retry=None))

    def merge_aliases(self, shown: Shown, aliases: Sequence[str]) -> None:
        """Give aliases to a version, wherever they are now; take away those that begin with `-`.

        Raises:
            InputError: Vertex AI refuses it, or fails.
        """
        asked = {"name": self._version(shown), "version_aliases": list(aliases)}
        with self._telling("moving aliases", "aiplatform.models.update"):
            self._client.merge_version_aliases(asked, timeout=_CALL_SECONDS, retry=None)

    def delete(self, shown: Shown) -> None:
        """Delete a version.

        Raises:
            InputError: Vertex AI refuses it, or fails.
        """
        with self._telling("deleting a version", "aiplatform.models.delete"):
            self._wait(self._client.delete_model_version(name=self._version(shown), timeout=_CALL_SECONDS, retry=None))

    def import_evaluation(
        self, shown: Shown, evaluation: Mapping[str, Any], slices: Sequence[Mapping[str, Any]]
    ) -> None:
        """Import the evaluation of a version and its slices, as far as they are not there.

        Raises:
            InputError: Vertex AI refuses it, or fails.
        """
        parent = self._version(shown)
        with self._telling("importing an evaluation", "aiplatform.modelEvaluations.import"):
            found = self._looked(lambda: list(self._client.list_model_evaluations(parent=parent, retry=None)))
            own = [item for item in found if item.display_name == evaluation["display_name"]]
            asked = {"parent": parent, "model_evaluation": evaluation}
            stored = own[0] if own else self._client.import_model_evaluation(asked, timeout=_CALL_SECONDS, retry=None)
            self._import_slices(stored.name, slices)

    def set_labels(self, shown: Shown, labels: Mapping[str, str]) -> None:
        """Replace the labels of a version.

        Raises:
            InputError: Vertex AI refuses it, or fails.
        """
        model = {"name": self._version(shown), "labels": labels}
        asked = {"model": model, "update_mask": {"paths": ["labels"]}}
        with self._telling("labelling a version", "aiplatform.models.update"):
            self._client.update_model(asked, timeout=_CALL_SECONDS, retry=None)

    def pause(self, attempt: int) -> None:
        """Wait before the next attempt, longer each time."""
        self.sleep(self.poll_seconds * 2**attempt)

    @property
    def _api(self) -> VertexApi:
        return VertexApi(self.location.project, self.location.region, self.location.api_endpoint)

    @property
    def _client(self) -> Any:
        return self._api.client("Model")

    def _version(self, shown: Shown) -> str:
        return f"{self.name}@{shown.number}"

    def _import_slices(self, evaluation: str, slices: Sequence[Mapping[str, Any]]) -> None:
        found = self._looked(lambda: list(self._client.list_model_evaluation_slices(parent=evaluation, retry=None)))
        known = {item.slice_.value for item in found}
        missing = [item for item in slices if item["slice_"]["value"] not in known]
        for start in range(0, len(missing), _SLICES_AT_ONCE):
            asked = {"parent": evaluation, "model_evaluation_slices": missing[start : start + _SLICES_AT_ONCE]}
            self._client.batch_import_model_evaluation_slices(asked, timeout=_CALL_SECONDS, retry=None)

    def _looked(self, call: Callable[[], _T]) -> _T:
        """The answer to a call that changes nothing, repeated while its failure may pass."""

        def told() -> _T:
            with vertex_errors():
                return call()

        return repeated(told, attempts=_ATTEMPTS, sleep=self.pause)

    def _wait(self, begun: Any) -> None:
        """Wait for the end of a long-running operation.

        Raises:
            VertexError: it failed, or has not ended in time.
        """
        look = partial(self._client.get_operation, {"name": begun.operation.name}, timeout=_CALL_SECONDS)
        deadline = time.monotonic() + _OPERATION_SECONDS
        while not (found := self._looked(look)).done:
            if time.monotonic() > deadline:
                raise VertexError(504, f"{begun.operation.name} has not ended in {_OPERATION_SECONDS / 60:g} minutes")
            self.sleep(self.poll_seconds)
        if found.error.code:
            raise VertexError(_STATUS_OF.get(found.error.code, 500), " ".join(found.error.message.split()))

    @contextmanager
    def _telling(self, doing: str, permission: str) -> Iterator[None]:
        """Tell the errors of calls in words."""
        try:
            with vertex_errors():
                yield
        except VertexError as error:
            words = self._api.in_words(error, f"{doing} of {self.location.model}", permission)
            raise _kind_of(error)(words) from error


def _kind_of(error: VertexError) -> type[InputError]:
    if error.is_passing:
        return PassingError
    return ImpossibleError if error.code in (400, _NOT_FOUND, 409) else InputError
