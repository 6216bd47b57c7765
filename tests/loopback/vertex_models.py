"""Models and their versions, aliases and evaluations on loopback: ModelService for `VertexServer`.

The rules that this server assumes of the real one, each taken from the comments in Google's own types, its clients'
sources or its documentation:

- a model's id may be given at its first upload: a letter or `_`, then letters, digits, `-` and `_`, 63 at most, small
  letters only; an id that is taken is refused (409); `parent_model` must exist (404) and excludes an id (400);
- versions are numbered from 1 and never reuse a number; `models/7` and `models/7@default` are the default version,
  `models/7@3` and `models/7@alias` that version; a version or an alias that is not there is 404;
- the first version of a model has the alias `default`, whatever was asked for; exactly one version has it at any time,
  so it can be moved but not removed (400);
- an alias belongs to one version of a model: giving it to another takes it away from the first; it is
  `[a-z][a-zA-Z0-9-]{0,126}[a-z0-9]`; `-alias` takes it away, which is refused (400) where the version does not have it;
- merging aliases needs a version id in the name, not an alias (400);
- the default version and the only version of a model cannot be deleted (400), nor one that is deployed (400);
- an update names its fields in a mask: `display_name`, `description` and `labels` of a model, `version_description` and
  `labels` of a version, never both at once (400); labels of the model and of a version are told together;
- labels: at most 64; keys of small letters, digits, `-`, `_`, a letter first; values of those; 63 characters at most;
- the artifacts of a custom model need a `gs://` address; a container needs an image, and ports between 1 and 65535;
- an evaluation belongs to a version; its metrics fit the schema that it names: that of summarization has only
  `rougeLSum`, a number from 0 to 1; slices are imported under an evaluation that exists (404), 50 at most at once, each
  with the schema of the evaluation;
- uploading and deleting are long-running and take effect when their operation succeeds.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from typing import Any

from google.cloud import aiplatform_v1 as vertex
from google.longrunning import operations_pb2
from google.protobuf import empty_pb2

from loopback.vertex import Refused, VertexServer
from loopback.vertex_operations import Operations

SUMMARIZATION_SCHEMA = "gs://google-cloud-aiplatform/schema/modelevaluation/summarization_metrics_1.0.0.yaml"
_MODEL_ID = re.compile(r"[a-z_][a-z0-9_-]{0,62}")
_ALIAS = re.compile(r"[a-z][a-zA-Z0-9-]{0,126}[a-z0-9]")
_LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")
_FILTER = re.compile(r'labels\.([\w-]+)(?:="([^"]*)"|:\*)')
_DEFAULT = "default"
_MOST_LABELS = 64
_MOST_SLICES = 50
_MODEL_FIELDS = {"display_name", "description", "labels"}
_VERSION_FIELDS = {"version_description", "labels"}


class Models:
    """Adds the rules of ModelService to a server.

    Args:
        server: serves `model_service`.
        operations: of that server.
        deployed: full names, with version, of the models that are deployed somewhere.
    """

    def __init__(
        self, server: VertexServer, operations: Operations, deployed: Callable[[], Collection[str]] = tuple
    ) -> None:
        self._server = server
        self._operations = operations
        self._deployed = deployed
        # Versions that a listing gives at most, unless it asks for fewer.
        self.page_size = 2
        self._versions: dict[str, dict[str, Any]] = {}
        self._numbers: dict[str, int] = defaultdict(int)
        self._evaluations: dict[str, list[Any]] = defaultdict(list)
        self._slices: dict[str, list[Any]] = defaultdict(list)
        for rpc, answer in self._answers().items():
            server.on(rpc, answer)

    def named(self, name: str) -> Any:
        """The version that a full name stands for.

        Raises:
            Refused: there is none.
        """
        model, _, which = name.partition("@")
        versions = self._of(model)
        for number, version in versions.items():
            if which == number or (which or _DEFAULT) in version.version_aliases:
                return version
        raise Refused(404, f"Model version {name} is not found.")

    def names(self) -> list[str]:
        """Full names of all models."""
        return list(self._versions)

    def versions(self, model: str) -> list[Any]:
        """All versions of a model, oldest first; empty where there is no such model."""
        with self._server.lock:
            return list(self._versions.get(model, {}).values())

    def alias(self, model: str, alias: str) -> str:
        """The id of the version that has an alias; "" for none."""
        found = [item.version_id for item in self.versions(model) if alias in item.version_aliases]
        assert len(found) <= 1
        return found[0] if found else ""

    def evaluations(self, name: str) -> list[Any]:
        """Evaluations of a version, by its full name."""
        return list(self._evaluations[name])

    def slices(self, evaluation: str) -> list[Any]:
        """Slices of an evaluation."""
        return list(self._slices[evaluation])

    def _answers(self) -> dict[str, Callable[[Any], Any]]:
        return {
            "UploadModel": self._upload,
            "GetModel": lambda request: self.named(request.name),
            "ListModels": self._list,
            "ListModelVersions": self._list_versions,
            "MergeVersionAliases": self._merge,
            "UpdateModel": self._update,
            "DeleteModelVersion": self._delete_version,
            "DeleteModel": self._delete_model,
            "ImportModelEvaluation": self._import_evaluation,
            "ListModelEvaluations": self._list_evaluations,
            "BatchImportModelEvaluationSlices": self._import_slices,
            "ListModelEvaluationSlices": lambda request: vertex.ListModelEvaluationSlicesResponse(
                model_evaluation_slices=self.slices(request.parent)
            ),
        }

    def _of(self, model: str) -> dict[str, Any]:
        if model not in self._versions:
            raise Refused(404, f"The Model does not exist: {model}")
        return self._versions[model]

    def _upload(self, request: Any) -> operations_pb2.Operation:
        given = request.model
        _require_model(given)
        if request.parent_model and request.model_id:
            raise Refused(400, "model_id is only for the first version of a model")
        if request.model_id and not _MODEL_ID.fullmatch(request.model_id):
            raise Refused(400, f"model_id {request.model_id!r} is not valid")
        model = request.parent_model or f"{request.parent}/models/{request.model_id or 9000 + len(self._versions)}"
        if request.parent_model:
            self._of(model)
        elif model in self._versions:
            raise Refused(409, f"Model {model} already exists")

        def made() -> Any:
            if not request.parent_model and model in self._versions:
                raise Refused(409, f"Model {model} already exists")
            self._numbers[model] += 1
            number = str(self._numbers[model])
            stored = vertex.Model(given)
            stored.name, stored.version_id = model, number
            stored.version_create_time = datetime.now(UTC)
            stored.version_aliases = []
            versions = self._versions.setdefault(model, {})
            versions[number] = stored
            self._give(model, stored, [*given.version_aliases, *([_DEFAULT] if len(versions) == 1 else [])])
            return vertex.UploadModelResponse(model=model, model_version_id=number)

        return self._operations.begin("UploadModel", model, made)

    def _list(self, request: Any) -> Any:
        inside = f"{request.parent}/models/"
        found = [self.named(name) for name in self._versions if name.startswith(inside)]
        return vertex.ListModelsResponse(models=[model for model in found if _fits(model, request.filter)])

    def _list_versions(self, request: Any) -> Any:
        found = list(self._of(request.name.partition("@")[0]).values())
        size = min(request.page_size or self.page_size, self.page_size)
        start = int(request.page_token or 0)
        more = str(start + size) if start + size < len(found) else ""
        return vertex.ListModelVersionsResponse(models=found[start : start + size], next_page_token=more)

    def _merge(self, request: Any) -> Any:
        model, _, number = request.name.partition("@")
        if not number.isdigit():
            raise Refused(400, "name must have a version id, not an alias")
        version = self.named(request.name)
        added = [alias for alias in request.version_aliases if not alias.startswith("-")]
        removed = [alias[1:] for alias in request.version_aliases if alias.startswith("-")]
        _require_aliases(added)
        if _DEFAULT in removed:
            raise Refused(400, "The default alias can be moved to another version, not removed.")
        if missing := sorted(set(removed) - set(version.version_aliases)):
            raise Refused(400, f"{request.name} does not have the aliases {missing}")
        version.version_aliases = [alias for alias in version.version_aliases if alias not in removed]
        self._give(model, version, added)
        return version

    def _give(self, model: str, version: Any, aliases: Iterable[str]) -> None:
        for alias in aliases:
            for other in self._versions[model].values():
                other.version_aliases = [kept for kept in other.version_aliases if kept != alias]
            version.version_aliases = [*version.version_aliases, alias]

    def _update(self, request: Any) -> Any:
        given, paths = request.model, set(request.update_mask.paths)
        allowed = _VERSION_FIELDS if "@" in given.name else _MODEL_FIELDS
        if not paths or not paths <= allowed:
            raise Refused(400, f"update_mask {sorted(paths)}: give some of {sorted(allowed)}")
        version = self.named(given.name)
        if "labels" in paths:
            _require_labels(given.labels)
        for path in paths:
            setattr(version, path, getattr(given, path))
        return version

    def _delete_version(self, request: Any) -> operations_pb2.Operation:
        model, _, number = request.name.partition("@")
        self._require_deletable(request.name)

        def gone() -> Any:
            self._require_deletable(request.name)
            del self._versions[model][number]
            return empty_pb2.Empty()

        return self._operations.begin("DeleteModelVersion", request.name, gone)

    def _require_deletable(self, name: str) -> None:
        version = self.named(name)
        model, _, number = name.partition("@")
        if number != version.version_id:
            raise Refused(400, "name must have a version id, not an alias")
        if len(self._versions[model]) == 1:
            raise Refused(400, "The only version of a model cannot be deleted; delete the model.")
        if _DEFAULT in version.version_aliases:
            raise Refused(400, "The default version cannot be deleted; make another one default first.")
        if name in self._deployed():
            raise Refused(400, f"{name} is deployed; undeploy it first.")

    def _delete_model(self, request: Any) -> operations_pb2.Operation:
        self._of(request.name)
        if any(name.partition("@")[0] == request.name for name in self._deployed()):
            raise Refused(400, f"Model {request.name} is deployed; undeploy it first.")

        def gone() -> Any:
            del self._versions[request.name]
            return empty_pb2.Empty()

        return self._operations.begin("DeleteModel", request.name, gone)

    def _import_evaluation(self, request: Any) -> Any:
        version, given = self.named(request.parent), request.model_evaluation
        _require_metrics(given.metrics_schema_uri, given.metrics)
        name = f"{version.name}@{version.version_id}"
        stored = vertex.ModelEvaluation(given)
        stored.name = f"{version.name}/evaluations/{version.version_id}0{len(self._evaluations[name])}"
        self._evaluations[name].append(stored)
        return stored

    def _list_evaluations(self, request: Any) -> Any:
        version = self.named(request.parent)
        found = self._evaluations[f"{version.name}@{version.version_id}"]
        return vertex.ListModelEvaluationsResponse(model_evaluations=found)

    def _import_slices(self, request: Any) -> Any:
        evaluations = [item.name for found in self._evaluations.values() for item in found]
        if request.parent not in evaluations:
            raise Refused(404, f"ModelEvaluation {request.parent} is not found.")
        if len(request.model_evaluation_slices) > _MOST_SLICES:
            raise Refused(400, f"at most {_MOST_SLICES} slices at once")
        names = []
        for given in request.model_evaluation_slices:
            _require_metrics(given.metrics_schema_uri, given.metrics)
            stored = vertex.ModelEvaluationSlice(given)
            stored.name = f"{request.parent}/slices/{len(self._slices[request.parent])}"
            self._slices[request.parent].append(stored)
            names.append(stored.name)
        return vertex.BatchImportModelEvaluationSlicesResponse(imported_model_evaluation_slices=names)


def _fits(model: Any, expression: str) -> bool:
    found = _FILTER.fullmatch(expression)
    if expression and found is None:
        raise Refused(400, f"filter {expression!r} is not known here")
    if found is None or found[2] is None:
        return found is None or found[1] in model.labels
    return bool(model.labels.get(found[1]) == found[2])


def _require_model(given: Any) -> None:
    if not given.display_name:
        raise Refused(400, "model.display_name is required")
    if not given.artifact_uri.startswith("gs://"):
        raise Refused(400, f"model.artifact_uri {given.artifact_uri!r} must begin with gs://")
    spec = given.container_spec
    if vertex.Model.pb(given).HasField("container_spec"):
        wrong = [port.container_port for port in spec.ports if not 0 < port.container_port < 65536]
        if not spec.image_uri or wrong:
            raise Refused(400, f"container_spec needs an image and ports between 1 and 65535, not {wrong}")
    _require_aliases(given.version_aliases)
    _require_labels(given.labels)


def _require_aliases(aliases: Iterable[str]) -> None:
    if wrong := [alias for alias in aliases if not _ALIAS.fullmatch(alias)]:
        raise Refused(400, f"aliases are not valid: {wrong}")


def _require_labels(labels: Any) -> None:
    wrong = [key for key in labels if not _LABEL_KEY.fullmatch(key)]
    wrong += [f"{key}={value}" for key, value in labels.items() if not _LABEL_VALUE.fullmatch(value)]
    if wrong or len(labels) > _MOST_LABELS:
        raise Refused(400, f"labels are not valid, or more than {_MOST_LABELS}: {wrong}")


def _require_metrics(schema: str, metrics: Any) -> None:
    if schema != SUMMARIZATION_SCHEMA:
        raise Refused(400, f"metrics_schema_uri {schema!r} is not known")
    told = dict(metrics or {})
    if set(told) != {"rougeLSum"} or not 0 <= told["rougeLSum"] <= 1:
        raise Refused(400, f"metrics {sorted(told)} do not fit {schema}")
