"""How a registry's index and a version's metadata are stored: JSON of a schema version, checked when it is read."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from lab_lens import artifacts
from lab_lens.errors import InputError
from lab_lens.registry.base import REGISTERED, ModelVersion, Pointers, pointers_after
from lab_lens.registry.index import Index

_INDEX = TypeAdapter(Index)
_METADATA = TypeAdapter(ModelVersion)
_Stored = TypeVar("_Stored")


def index_text(index: Index) -> str:
    """An index as the text of its file."""
    return _text(asdict(index))


def parse_index(text: str | bytes, place: str) -> Index:
    """Read an index.

    Args:
        text: of its file.
        place: of that file, for messages.

    Raises:
        InputError: it is damaged, contradicts itself, or was written by a newer lab-lens.
    """
    raw = _object(text, place)
    index = _validated(_INDEX, raw, place)
    history = pointers_after(index.history)
    if "candidate" not in raw:
        # Written before there were candidates.
        index = index.with_pointers(replace(index.pointers(), candidate=history.candidate))
    _require_consistent(index, history, place)
    return index


def metadata_text(metadata: ModelVersion) -> str:
    """A version's metadata as the text of its version.json."""
    return _text(asdict(metadata))


def parse_metadata(text: str | bytes, place: str) -> ModelVersion:
    """Read a version.json.

    Args:
        text: of the file.
        place: of the file, for messages.

    Raises:
        InputError: it is damaged, or was written by a newer lab-lens.
    """
    return _validated(_METADATA, _object(text, place), place)


def _require_consistent(index: Index, told: Pointers, place: str) -> None:
    listed = sorted(indexed.version for indexed in (*index.versions, *index.pruned))
    registered = sorted(entry.to_version or "" for entry in index.history if entry.action == REGISTERED)
    contradictions = []
    if index.pointers() != told:
        contradictions.append(f"it names {_named(index.pointers())}, its history says {_named(told)}")
    if listed != registered:
        contradictions.append(
            f"it lists {', '.join(listed) or 'no version'}, its history registered {', '.join(registered) or 'none'}"
        )
    if contradictions:
        raise InputError(
            f"{place} contradicts itself: {'; '.join(contradictions)}; was it edited by hand? restore it from a backup"
        )


def _named(pointers: Pointers) -> str:
    return ", ".join(f"{version or 'nothing'} as {alias}" for alias, version in asdict(pointers).items())


def _text(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _object(text: str | bytes, place: str) -> Any:
    try:
        raw = json.loads(text)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{place} is not JSON ({error.__class__.__name__}); restore it from a backup") from error
    schema = raw.get("schema_version") if isinstance(raw, dict) else None
    if isinstance(schema, int) and schema > artifacts.SCHEMA_VERSION:
        raise InputError(
            f"{place} has schema version {schema}, this lab-lens reads up to {artifacts.SCHEMA_VERSION}; "
            "use the newer lab-lens that wrote it"
        )
    return raw


def _validated(adapter: TypeAdapter[_Stored], raw: Any, place: str) -> _Stored:
    try:
        return adapter.validate_python(raw)
    except ValidationError as error:
        places = sorted({".".join(str(part) for part in problem["loc"]) or "all of it" for problem in error.errors()})
        raise InputError(f"{place} is damaged at: {', '.join(places)}; restore it from a backup") from error
