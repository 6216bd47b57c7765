"""Register a model that the gate let through, with the papers that let it through."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab_lens import artifacts
from lab_lens.code_hash import code_hash
from lab_lens.errors import InputError
from lab_lens.registry.base import Evidence
from lab_lens.registry.evidence import report_metrics
from lab_lens.registry.files import model_hashes
from lab_lens.registry.open import open_registry
from lab_lens.tracking import TrackingTarget, run_link

_PROMOTE = "promote"


@dataclass(frozen=True)
class RegisteredVersion:
    """A version of the registry: its name, where its model files lie, and their content hash."""

    version: str
    model_uri: str
    content_hash: str


def run_register_model(
    model: Path,
    decision: Path,
    validation: Path,
    bias: Path,
    *,
    registry: str | Path,
    predictions: Path | None = None,
    version: str = "",
    actor: str,
    job: str = "",
    tracking: TrackingTarget | None = None,
    link: bool = False,
    run_id: str = "",
) -> RegisteredVersion:
    """Store a model as an immutable version; the same model is never stored twice.

    Args:
        model: the model directory.
        decision: `decision.json` or its directory.
        validation: the validation report or its directory.
        bias: the bias report or its directory.
        registry: location of the model registry, which is made when it does not exist.
        predictions: the candidate's predictions directory; its golden note is kept, so that a deployment can be asked
            for the pipeline's own answer. None: the version has none.
        version: name such as `1.4.0`; empty for the next number.
        actor: who registers.
        job: the pipeline system's name of the run, which the version links to; empty: none.
        tracking: the MLflow run, which the version links to; None: none.
        link: share the model's files with a registry on the same disk instead of copying them; they become read-only.
        run_id: the pipeline run that registers; empty when a person does.

    Raises:
        InputError: the decision was changed after its stage wrote it, is not to promote, or is about another model or
            other reports; or the registry refuses.
    """
    decision_json = artifacts.file_in(decision, artifacts.DECISION_JSON)
    reports = {
        artifacts.VALIDATION_REPORT: artifacts.find_report(validation, artifacts.VALIDATION_REPORT),
        artifacts.BIAS_REPORT: artifacts.find_report(bias, artifacts.BIAS_REPORT),
    }
    decided, validated = artifacts.read_report(decision_json), _read_object(reports[artifacts.VALIDATION_REPORT])
    model_hash = artifacts.content_hash(model_hashes(model))
    if problems := _mismatches(decided, validated, model_hash, reports):
        raise InputError([f"{model} was not registered: {problem}" for problem in problems])
    golden = _golden(predictions, model_hash)
    documents = {artifacts.DECISION_JSON: decision_json} | {f"{stem}.json": path for stem, path in reports.items()}
    evidence = Evidence(
        documents=documents | golden,
        metrics=report_metrics(validated),
        config_hash=str(decided.get("config_hash") or ""),
        data_hash=_data_hash(model),
        code_hash=code_hash(),
        decoding_hash=str(validated.get("decoding_hash") or ""),
        verdict=_PROMOTE,
        links=_links(job, tracking),
        reason=_forced(decided),
        run_id=run_id,
    )
    target = open_registry(registry, link=link)
    stored = target.register(model, evidence, actor=actor, version=version)
    return RegisteredVersion(stored.version, target.model_uri(stored.version), stored.content_hash)


def _links(job: str, tracking: TrackingTarget | None) -> dict[str, str]:
    links = {"pipeline_job": job, "mlflow_run": run_link(tracking) if tracking else ""}
    return {name: link for name, link in links.items() if link}


def _golden(predictions: Path | None, model_hash: str) -> dict[str, Path]:
    """The golden note of these predictions, as a document.

    Raises:
        InputError: there is none, or another model answered it.
    """
    if predictions is None:
        return {}
    path = artifacts.file_in(predictions, artifacts.GOLDEN_JSON)
    if _read_object(path).get("model_hash") != model_hash:
        raise InputError(f"{path} was answered by another model; give the predictions of the model that is registered")
    return {artifacts.GOLDEN_JSON: path}


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


def _read_object(path: Path) -> dict[str, Any]:
    content = artifacts.read_json(path)
    if not isinstance(content, dict):
        raise InputError(f"{path} must hold an object, as its stage writes it, not a {type(content).__name__}")
    return content


def _data_hash(model: Path) -> str:
    manifest = model / artifacts.TRAINING_MANIFEST
    return str(_read_object(manifest).get("data_hash") or "") if manifest.is_file() else ""
