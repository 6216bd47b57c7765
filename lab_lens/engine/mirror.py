"""A base model brought to a directory of one's own: what loading needs, as safetensors, and where it came from."""

import fnmatch
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from lab_lens import artifacts
from lab_lens.engine.checkpoint import load_pretrained
from lab_lens.engine.hub import HubModel, fetch, look_up
from lab_lens.engine.pickled import convert_to_safetensors
from lab_lens.errors import InputError

MIRROR_JSON = "mirror.json"
_SAFE_WEIGHTS = ("model.safetensors", "model-*-of-*.safetensors", "model.safetensors.index.json")
_PICKLED_WEIGHTS = ("pytorch_model.bin", "pytorch_model-*-of-*.bin")
_PARTS = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "spiece.model",
    "source.spm",
    "target.spm",
    "sentencepiece.bpe.model",
    "tokenizer.model",
    "LICENSE*",
    "README.md",
    artifacts.TRAINING_MANIFEST,
)


@dataclass(frozen=True)
class Mirror:
    """What `mirror.json` says.

    Attributes:
        id: hub id, or name of the directory that it was copied from.
        revision: commit of the hub; None for a directory.
        licence: as its card says; None: it says nothing.
        converted_from: pickled weights that were turned into safetensors; empty: they were safetensors.
        files: sha256 by name.
    """

    id: str
    revision: str | None
    licence: str | None
    converted_from: tuple[str, ...]
    files: dict[str, str]
    schema_version: int = artifacts.SCHEMA_VERSION


_MIRROR = TypeAdapter(Mirror)


def mirror_model(source: str, revision: str | None, target: Path) -> tuple[Mirror, bool]:
    """Bring a model to a directory, whole or not at all; it loads as an encoder-decoder model afterwards.

    Args:
        source: hub id or directory.
        revision: branch, tag or commit of the hub; None: the main branch. A directory has none.
        target: a new or empty directory, or one that holds a mirror, which is replaced.

    Returns:
        What the directory holds, and whether anything was written; False: it is there already, unchanged.

    Raises:
        InputError: the source cannot be read or is no encoder-decoder model, or the target holds something else.
    """
    there = _mirror_at(target)
    if Path(source).is_dir():
        if revision is not None:
            raise InputError(f"--revision {revision} is for models of the hub; {source} is a directory")
        make = partial(_from_directory, Path(source))
    else:
        model = look_up(source, revision)
        if there is not None and (there.id, there.revision) == (model.id, model.revision):
            return there, False
        make = partial(_from_hub, model)
    with artifacts.replacing_directory(target) as staging:
        made = make(staging)
    return made, made != there


def _mirror_at(target: Path) -> Mirror | None:
    """The mirror that a directory holds unchanged; None for a new or empty directory, or for a changed mirror.

    Raises:
        InputError: it holds something else, or is a file.
    """
    if target.is_file():
        raise InputError(f"{target} is a file; give a directory")
    if not (target / MIRROR_JSON).is_file():
        if target.is_dir() and any(target.iterdir()):
            raise InputError(f"{target} holds other files and no {MIRROR_JSON}; give a new or empty directory")
        return None
    there = read_mirror(target)
    return there if _hashes(target) == there.files else None


def read_mirror(directory: Path) -> Mirror:
    """Read a directory's `mirror.json`.

    Raises:
        InputError: it is missing or damaged.
    """
    path = directory / MIRROR_JSON
    try:
        return _MIRROR.validate_python(artifacts.read_json(path))
    except ValidationError as error:
        raise InputError(f"{path} is damaged; remove the directory and mirror the model again") from error


def _hashes(directory: Path) -> dict[str, str]:
    hashes = artifacts.sha256_files(directory)
    hashes.pop(MIRROR_JSON, None)
    return hashes


def _from_hub(model: HubModel, staging: Path) -> Mirror:
    weights, pickled = _weights(model.files, model.id)
    parts = _matching(model.files, _PARTS)
    with tempfile.TemporaryDirectory(prefix=".hub-", dir=staging.parent) as folder:
        fetched = Path(folder)
        fetch(model, [*parts, *weights], fetched)
        _take(fetched, parts, weights, staging, pickled=pickled)
    return _record(staging, model.id, model.revision, model.licence, weights if pickled else ())


def _from_directory(source: Path, staging: Path) -> Mirror:
    names = sorted(item.name for item in source.iterdir() if item.is_file())
    former = _checked_former(source)
    weights, pickled = _weights(names, str(source))
    _take(source, _matching(names, _PARTS), weights, staging, pickled=pickled)
    if former is not None:
        return _record(staging, former.id, former.revision, former.licence, former.converted_from)
    return _record(staging, source.resolve().name, None, None, weights if pickled else ())


def _checked_former(source: Path) -> Mirror | None:
    """What a directory that is a mirror itself says of where it came from.

    Raises:
        InputError: its files were changed since.
    """
    if not (source / MIRROR_JSON).is_file():
        return None
    former = read_mirror(source)
    found = _hashes(source)
    changed = sorted(name for name in former.files.keys() | found.keys() if former.files.get(name) != found.get(name))
    if changed:
        raise InputError(
            [f"{source}: {name} is not what {MIRROR_JSON} says; mirror the model again" for name in changed]
        )
    return former


def _weights(names: Sequence[str], where: str) -> tuple[tuple[str, ...], bool]:
    """Files of the weights, and whether they are pickled.

    Raises:
        InputError: there are none that can be read.
    """
    for patterns, pickled in ((_SAFE_WEIGHTS, False), (_PICKLED_WEIGHTS, True)):
        if found := _matching(names, patterns):
            return found, pickled
    shown = ", ".join(sorted(names)[:8]) or "nothing"
    raise InputError(f"{where} has no PyTorch weights (model.safetensors or pytorch_model.bin); it holds {shown}")


def _matching(names: Iterable[str], patterns: Sequence[str]) -> tuple[str, ...]:
    """Names at the top level that fit a pattern; folders of a repository hold other formats."""
    fitting = (name for name in names if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns))
    return tuple(sorted(name for name in fitting if "/" not in name))


def _take(source: Path, parts: Sequence[str], weights: Sequence[str], staging: Path, *, pickled: bool) -> None:
    if pickled:
        # First, since it writes a configuration too; the model's own is kept.
        convert_to_safetensors(source, weights, staging)
    for name in (*parts, *(() if pickled else weights)):
        shutil.copyfile(source / name, staging / name)


def _record(
    staging: Path, name: str, revision: str | None, licence: str | None, converted_from: Sequence[str]
) -> Mirror:
    """Check that the model loads, and write `mirror.json`."""
    try:
        load_pretrained(str(staging), revision=None)
    except InputError as error:
        raise InputError([problem.replace(str(staging), name) for problem in error.problems]) from error
    mirror = Mirror(name, revision, licence, tuple(converted_from), artifacts.sha256_files(staging))
    artifacts.write_json(staging / MIRROR_JSON, asdict(mirror))
    return mirror
