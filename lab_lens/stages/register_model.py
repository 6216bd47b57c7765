"""Register a model that the gate let through, with the papers that let it through."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab_lens import artifacts
from lab_lens.errors import InputError
from lab_lens.registry.base import Evidence
from lab_lens.registry.files import model_hashes
from lab_lens.registry.local import LocalRegistry

_PROMOTE = "promote"


@dataclass(frozen=True)
class RegisteredVersion:
    """A version of the registry: its name, its directory, and the content hash of its model files."""

    version: str
    path: Path
    content_hash: str


def run_register_model(
    model: Path,
    decision: Path,
    validation: Path,
    bias: Path,
    *,
    registry: Path,
    version: str = "",
    actor: str,
    run_id: str = "",
) -> RegisteredVersion:
    """Store a model as an immutable version; the same model is never stored twice.

    Args:
        model: the model directory.
        decision: `decision.json` or its directory.
        validation: the validation report or its directory.
        bias: the bias report or its directory.
        registry: the registry's directory, created when it does not exist.
        version: name such as `1.4.0`; empty for the next number.
        actor: who registers.
        run_id: the pipeline run that registers; empty when a person does.

    Raises:
        InputError: the decision is not to promote, or is about another model or other reports; or the registry refuses.
    """
    decision_json = artifacts.file_in(decision, artifacts.DECISION_JSON)
    reports = {
        artifacts.VALIDATION_REPORT: artifacts.find_report(validation, artifacts.VALIDATION_REPORT),
        artifacts.BIAS_REPORT: artifacts.find_report(bias, artifacts.BIAS_REPORT),
    }
    decided, validated = _read_object(decision_json), _read_object(reports[artifacts.VALIDATION_REPORT])
    model_hash = artifacts.content_hash(model_hashes(model))
    if problems := _mismatches(decided, validated, model_hash, reports):
        raise InputError([f"{model} was not registered: {problem}" for problem in problems])
    documents = {artifacts.DECISION_JSON: decision_json} | {f"{stem}.json": path for stem, path in reports.items()}
    evidence = Evidence(
        documents=documents,
        metrics=_metrics(validated),
        config_hash=str(decided.get("config_hash") or ""),
        data_hash=_data_hash(model),
        reason=_forced(decided),
        run_id=run_id,
    )
    target = LocalRegistry(registry)
    stored = target.register(model, evidence, actor=actor, version=version)
    path = registry / stored.version
    artifacts.require_written([path])
    return RegisteredVersion(stored.version, path, stored.content_hash)


def _mismatches(
    decided: Mapping[str, Any], validated: Mapping[str, Any], model_hash: str, reports: Mapping[str, Path]
) -> list[str]:
    """Why this decision does not allow to register this model with these reports."""
    problems = []
    if decided.get("verdict") != _PROMOTE:
        problems.append(f"the decision is {decided.get('verdict')!r}, and only verdict 'promote' lets a model in")
    about = {"the decision": decided, "the validation report": validated}
    problems += [
        f"{name} is about another model (sha256 {str(content.get('model_hash'))[:12]}, this one is {model_hash[:12]}); "
        "give the model directory that was validated"
        for name, content in about.items()
        if content.get("model_hash") != model_hash
    ]
    hashes = decided.get("report_hashes") or {}
    problems += [
        f"the decision was made on another {stem} than {path}; give the one that was decided on"
        for stem, path in reports.items()
        if hashes.get(stem) != artifacts.sha256_file(path)
    ]
    return problems


def _forced(decided: Mapping[str, Any]) -> str:
    forced = decided.get("forced")
    return f"forced by {forced['actor']} against the gate: {forced['reason']}" if forced else ""


def _metrics(validated: Mapping[str, Any]) -> dict[str, float | None]:
    """Each metric of a validation report as `name`, and its interval as `name_low` and `name_high`."""
    found: dict[str, float | None] = {}
    for name, interval in validated["metrics"].items():
        found |= {name: interval["estimate"], f"{name}_low": interval["low"], f"{name}_high": interval["high"]}
    return found


def _read_object(path: Path) -> dict[str, Any]:
    content = artifacts.read_json(path)
    if not isinstance(content, dict):
        raise InputError(f"{path} must hold an object, as its stage writes it, not a {type(content).__name__}")
    return content


def _data_hash(model: Path) -> str:
    manifest = model / artifacts.TRAINING_MANIFEST
    return str(_read_object(manifest).get("data_hash") or "") if manifest.is_file() else ""
