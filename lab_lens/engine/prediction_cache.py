"""Summaries that were made before, found again by everything that decides them.

A champion answers the same test notes for one candidate after another. What is kept holds text made from notes: the
directory needs the same protection as the notes.
"""

import json
import logging
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from lab_lens import artifacts
from lab_lens.code_hash import code_hash
from lab_lens.errors import InputError

_logger = logging.getLogger(__name__)
_FILES = (artifacts.PREDICTIONS_CSV, artifacts.GENERATION_JSON)
_ENTRY = re.compile(r"[0-9a-f]{64}\.json")
_PACKAGES = ("torch", "transformers", "tokenizers")


@dataclass(frozen=True)
class PredictionCache:
    """A directory with one file an entry, which appears whole or not at all; the least recently used ones go.

    Args:
        root: the directory, made when it is needed.
        entries: how many are kept.
    """

    root: Path
    entries: int = 8

    def restore(self, made_by: Mapping[str, str], out: Path) -> bool:
        """Write the predictions that were kept into `out`; False, and nothing written, where there are none.

        An entry that was damaged or changed counts as none.

        Args:
            made_by: everything that decides the predictions, as `deciding` tells it.
        """
        path = self._entry(made_by)
        if not path.is_file():
            return False
        files = _intact_files(path, made_by)
        if files is None:
            _logger.warning("the kept predictions in %s are damaged; they are made again", path)
            return False
        # The record comes last, so that it never stands beside predictions that it does not tell of.
        (out / artifacts.GENERATION_JSON).unlink(missing_ok=True)
        for name in _FILES:
            artifacts.write_text(out / name, files[name])
        os.utime(path)
        return True

    def keep(self, made_by: Mapping[str, str], out: Path) -> None:
        """Keep the predictions in `out`; of the directory's files only entries are ever removed."""
        files = {name: (out / name).read_bytes().decode("utf-8") for name in _FILES}
        artifacts.write_report(self._entry(made_by), {"made_by": dict(made_by), "files": files})
        for path in self._newest_first()[self.entries :]:
            path.unlink(missing_ok=True)

    def _entry(self, made_by: Mapping[str, str]) -> Path:
        return self.root / f"{artifacts.sha256_text(json.dumps(dict(made_by), sort_keys=True))}.json"

    def _newest_first(self) -> Sequence[Path]:
        # Another process may remove an entry at any moment.
        entries = (path for path in self.root.glob("*.json") if _ENTRY.fullmatch(path.name))
        times = {path: path.stat().st_mtime_ns for path in entries if path.is_file()}
        return sorted(times, key=lambda path: times[path], reverse=True)


def _intact_files(path: Path, made_by: Mapping[str, str]) -> dict[str, str] | None:
    try:
        content = artifacts.read_report(path)
    except InputError:
        return None
    files: dict[str, str] = content["files"]
    return files if content["made_by"] == made_by else None


def deciding(*, model_hash: str, data_hash: str, decoding_hash: str, device: str) -> dict[str, str]:
    """Everything that decides predictions: what the caller names, our code, and the libraries that compute."""
    packages = {name: version(name) for name in _PACKAGES}
    return {
        "model_hash": model_hash,
        "data_hash": data_hash,
        "decoding_hash": decoding_hash,
        "device": device,
        "code_hash": code_hash(),
        **packages,
    }
