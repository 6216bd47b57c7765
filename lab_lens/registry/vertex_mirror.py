"""Shows a Cloud Storage registry in Vertex AI Model Registry: compares, does the first thing that is missing, repeats.

Nothing is remembered between two looks. So a crash, a lost answer or another process at the same work leaves something
that the next look finds and puts right.
"""

import json
import logging
from collections.abc import Sequence
from typing import Any

from lab_lens.errors import InputError
from lab_lens.registry.base import ModelVersion
from lab_lens.registry.gcs import CloudStorageRegistry
from lab_lens.registry.vertex_models import ImpossibleError, PassingError, VertexModel
from lab_lens.registry.vertex_plan import Delete, Evaluate, MergeAliases, Shown, Step, Upload, first_step, next_step
from lab_lens.registry.vertex_view import EVALUATION_LABEL, evaluation_of, model_of, slices_of

_FAILURES_IN_A_ROW = 5
# A registry of a hundred versions is shown for the first time in some three hundred.
_MOST_STEPS = 1000
_PROMOTE = "promote"
_BIAS_REPORT_JSON = "bias_report.json"
_logger = logging.getLogger(__name__)


class Mirror:
    """Keeps a model of Vertex AI in step with a registry.

    Args:
        store: the registry.
        model: shows it.
    """

    def __init__(self, store: CloudStorageRegistry, model: VertexModel) -> None:
        self._store = store
        self._model = model

    def update(self) -> None:
        """Show what the registry says; what is shown already costs one look.

        Raises:
            InputError: Vertex AI refuses it, or fails again and again; the registry is what it was.
        """
        impossible: list[Step] = []
        failures = 0
        for _ in range(_MOST_STEPS):
            step = self._next(impossible)
            if step is None:
                return
            try:
                self._do(step)
                failures = 0
            except PassingError:
                failures += 1
                if failures >= _FAILURES_IN_A_ROW:
                    raise
                self._model.pause(failures - 1)
            except ImpossibleError as error:
                if not isinstance(step, Delete):
                    raise
                _logger.warning("registry: a version that is not needed stays in Vertex AI for now: %s", error)
                impossible.append(step)
        raise InputError(
            f"{self._model.name} is not in step after {_MOST_STEPS} changes; does another registry show it?"
        )

    def _next(self, impossible: Sequence[Step]) -> Step | None:
        # First what is shown, then what the registry says: whatever was shown was in the registry before.
        shown = self._model.shown()
        index = self._store.index()
        if shown is None:
            return first_step(index.names(), index.pointers(), self._passed)
        return next_step(index.names(), index.pointers(), shown, impossible)

    def _passed(self, version: str) -> bool:
        return self._store.show(version).verdict == _PROMOTE

    def _do(self, step: Step) -> None:
        match step:
            case Upload():
                metadata, uri = self._store.show(step.version), self._store.model_uri(step.version)
                self._model.upload(model_of(metadata, uri, self._model.location), first=step.first)
            case MergeAliases():
                self._model.merge_aliases(step.shown, step.aliases)
            case Evaluate():
                self._evaluate(step.shown, self._store.show(step.version))
            case Delete():
                self._model.delete(step.shown)

    def _evaluate(self, shown: Shown, metadata: ModelVersion) -> None:
        evaluation = evaluation_of(metadata)
        if evaluation is not None:
            self._model.import_evaluation(shown, evaluation, slices_of(self._bias_report(metadata)))
        said = "imported" if evaluation else "none"
        self._model.set_labels(shown, {**shown.labels, EVALUATION_LABEL: said})

    def _bias_report(self, metadata: ModelVersion) -> dict[str, Any]:
        if _BIAS_REPORT_JSON not in metadata.document_hashes:
            return {}
        content = json.loads(self._store.read_document(metadata.version, _BIAS_REPORT_JSON))
        return content if isinstance(content, dict) else {}
