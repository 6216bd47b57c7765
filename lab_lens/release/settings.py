"""The settings under which a report's figures were made: a decision under others would be about other figures."""

import json
from collections.abc import Mapping
from typing import Any

from lab_lens.config import Config

Settings = dict[str, Any]
# They change how fast a report is made, and what its page shows.
_WITHOUT_FIGURES = {"processes", "show_text"}
_OF_SLICES = {"bootstrap_resamples", "confidence"}


def validation_settings(config: Config) -> Settings:
    """What the figures of the validation report depend on, by path: variants, models, bootstrap and seed."""
    return {"seed": config.seed, **_paths("validation", config.validation.model_dump(exclude=_WITHOUT_FIGURES))}


def bias_settings(config: Config) -> Settings:
    """What the figures of the bias report depend on, by path: attributes, metric, slice sizes, bootstrap and seed."""
    bootstrap = config.validation.model_dump(include=_OF_SLICES)
    fairness = config.fairness.model_dump(mode="json")
    return {"seed": config.seed, **_paths("validation", bootstrap), **_paths("fairness", fairness)}


def _paths(section: str, values: Mapping[str, Any]) -> Settings:
    return {f"{section}.{name}": value for name, value in values.items()}


def differences(report: str, told: Mapping[str, Any], asked: Mapping[str, Any]) -> list[str]:
    """A sentence for each setting of a report that is not that of the decision.

    Args:
        report: its name.
        told: the settings that the report was made under.
        asked: those of the deciding configuration.
    """
    paths = sorted({*told, *asked})
    return [
        f"The {report} report was made with {path} {_shown(told, path)}; here it is {_shown(asked, path)}."
        for path in paths
        if path not in told or path not in asked or told[path] != asked[path]
    ]


def _shown(settings: Mapping[str, Any], path: str) -> str:
    return json.dumps(settings[path]) if path in settings else "not set"
