"""A working directory with notes, a registry and an MLflow store, in which whole runs are tried."""

import csv
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab_lens.notes.synthetic import synthetic_examples
from lab_lens.registry.local import LocalRegistry

# Stands in every note and every reference; it may stand in the data and the predictions, and nowhere else.
MARKER = "xylophonemarker"
# A model of a few steps may say nothing; the waiver lets it through.
LENIENT = {
    "floors": {"rougeL": 0.001},
    "beat_baselines": False,
    "max_relative_degradation": 0.999,
    "max_disparity": 0.999,
    "rules": [],
    "waivers": [{"rule": "floor.rougeL", "reason": "a model of a few steps", "actor": "tester"}],
}
STRICT = {**LENIENT, "floors": {"rougeL": 0.99}, "waivers": []}


def config_text(policy: dict[str, Any], **sections: dict[str, Any]) -> str:
    """A configuration for a model of a few steps."""
    settings: dict[str, Any] = {
        "model": {
            "base_model": "scratch:tiny",
            "max_input_tokens": 256,
            "max_target_tokens": 32,
            "scratch_vocabulary_tokens": 500,
        },
        "training": {
            "max_steps": 4,
            "batch_size": 8,
            "gradient_accumulation_steps": 1,
            "learning_rate": 0.002,
            "warmup_steps": 1,
            "eval_examples": 4,
        },
        "decoding": {"num_beams": 1},
        "validation": {"bootstrap_resamples": 200},
        "sensitivity": {"num_samples": 1, "perturbations": 10},
        "policy": policy,
    }
    for name, values in sections.items():
        settings[name] = {**settings.get(name, {}), **values}
    return json.dumps(settings)


@dataclass(frozen=True)
class Site:
    """A working directory with notes, a registry and an MLflow store."""

    path: Path

    def command(self, out: str, policy: dict[str, Any], *more: str, **sections: dict[str, Any]) -> list[str]:
        config = self.path / f"{out}.json"
        config.write_text(config_text(policy, **sections), encoding="utf-8")
        return [
            *(sys.executable, "-m", "lab_lens", "run", "--data", "notes.csv", "--config", config.name, "--out", out),
            *("--registry", "registry", "--device", "cpu", "--actor", "tester", "--run-name", out),
            *more,
        ]

    def run(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=self.path, capture_output=True, text=True, check=False)

    def summary(self, out: str) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.path / out / "summary.json").read_text(encoding="utf-8"))
        return content

    @property
    def registry(self) -> LocalRegistry:
        return LocalRegistry(self.path / "registry")


def make_site(path: Path, patients: int = 40) -> Site:
    examples = synthetic_examples(patients, 3, "brief")
    for column in ("input_text", "target_summary"):
        examples[column] += f" {MARKER.capitalize()} {MARKER}."
    examples.to_csv(path / "notes.csv", index=False, quoting=csv.QUOTE_ALL)
    return Site(path)
