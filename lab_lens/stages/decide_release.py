"""Decide by the policy whether the candidate is released."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lab_lens import artifacts
from lab_lens.config import Config
from lab_lens.registry.open import open_registry
from lab_lens.release.decision import Decision, Production, Verdict, decide, force_of
from lab_lens.release.evidence import (
    BiasEvidence,
    Provenance,
    SensitivityEvidence,
    ValidationEvidence,
    read_evidence,
)
from lab_lens.release.policy import Release, evaluate_rules, failures_of_production
from lab_lens.release.rules import RuleResult
from lab_lens.reporting.html import Block, Bullets, Facts, Heading, write_page
from lab_lens.reporting.html import Verdict as Banner
from lab_lens.reporting.run_sections import rule_table
from lab_lens.tracking import TrackingTarget, tracked

_logger = logging.getLogger(__name__)
_HEADLINES: dict[Verdict, str] = {
    "promote": "Promote the candidate",
    "hold": "Hold the candidate; production stays as it is",
    "rollback": "Hold the candidate, and return production to the previous version",
}


@dataclass(frozen=True)
class ReleaseDecision:
    """The verdict, its reasons as sentences, and the path of `decision.json`."""

    verdict: Verdict
    reasons: tuple[str, ...]
    decision: Path


def run_decide_release(
    validation: Path,
    bias: Path,
    sensitivity: Path | None,
    config: Config,
    *,
    registry: str | Path | None,
    decision_dir: Path,
    html: Path,
    force_reason: str = "",
    actor: str = "",
    tracking: TrackingTarget | None = None,
) -> ReleaseDecision:
    """Evaluate every rule of the policy on the reports and write `decision.json` and its page.

    Args:
        validation: the validation report or its directory.
        bias: the bias report or its directory.
        sensitivity: the sensitivity report or its directory; None: there is none.
        config: the run's configuration; its policy and fairness.slices decide.
        registry: location of the model registry; None or a directory that does not exist has no champion.
        decision_dir: receives `decision.json`.
        html: receives the page.
        force_reason: promote whatever the rules say, for this reason; empty: do not force.
        actor: who decides; a force needs one.
        tracking: the MLflow run to log to.

    Raises:
        InputError: a report is missing, was changed or cannot be judged by, a waiver names no rule, a force lacks actor
            or reason.
    """
    force = force_of(force_reason, actor)
    paths = _report_paths(validation, bias, sensitivity)
    validated = read_evidence(paths[artifacts.VALIDATION_REPORT], ValidationEvidence)
    compared = read_evidence(paths[artifacts.BIAS_REPORT], BiasEvidence)
    others = _other_reports(paths)
    version, previous, production_hash = _pointers(registry)
    release = Release(validated, compared, others, config, version, production_hash)
    rules = evaluate_rules(release)
    production = Production(version, previous, failures_of_production(release, rules))
    decision = decide(rules, production, force)
    record = _record(decision, rules, production, validated, config, paths, actor)
    target = artifacts.write_report(decision_dir / artifacts.DECISION_JSON, record)
    write_page(html, "Release decision", _blocks(record, decision))
    with tracked(tracking, "decide_release") as tracker:
        tracker.log_params({"decision.verdict": decision.verdict, "decision.forced": decision.forced is not None})
        for path in (target, html):
            tracker.log_artifact(path, "decision")
    _logger.info("verdict: %s", decision.verdict)
    for reason in decision.reasons:
        _logger.info("%s", reason)
    artifacts.require_written([target, html])
    return ReleaseDecision(decision.verdict, decision.reasons, target)


def _report_paths(validation: Path, bias: Path, sensitivity: Path | None) -> dict[str, Path]:
    given = {artifacts.VALIDATION_REPORT: validation, artifacts.BIAS_REPORT: bias}
    if sensitivity is not None:
        given[artifacts.SENSITIVITY_REPORT] = sensitivity
    return {stem: artifacts.find_report(path, stem) for stem, path in given.items()}


def _other_reports(paths: Mapping[str, Path]) -> dict[str, Provenance]:
    path = paths.get(artifacts.SENSITIVITY_REPORT)
    return {"sensitivity": read_evidence(path, SensitivityEvidence)} if path else {}


def _pointers(registry: str | Path | None) -> tuple[str | None, str | None, str | None]:
    """The version in production, the one before it, and the hash of the files of the first."""
    if registry is None:
        return None, None, None
    known = open_registry(registry)
    found = known.pointers()
    return found.production, found.previous, known.show(found.production).content_hash if found.production else None


def _record(
    decision: Decision,
    rules: Sequence[RuleResult],
    production: Production,
    validated: ValidationEvidence,
    config: Config,
    paths: Mapping[str, Path],
    actor: str,
) -> dict[str, Any]:
    return {
        "schema_version": artifacts.SCHEMA_VERSION,
        "verdict": decision.verdict,
        "reasons": list(decision.reasons),
        "rules": [rule.to_json() for rule in rules],
        "champion": production.version,
        "previous": production.previous,
        "model_hash": validated.model_hash,
        "data_hash": validated.data_hash,
        "config_hash": config.sha256(),
        "report_hashes": {stem: artifacts.sha256_file(path) for stem, path in paths.items()},
        "actor": actor or None,
        "forced": asdict(decision.forced) if decision.forced else None,
    }


def _blocks(record: Mapping[str, Any], decision: Decision) -> list[Block]:
    hashes = [(f"{stem} (sha256)", digest) for stem, digest in record["report_hashes"].items()]
    facts = [
        ("Champion", record["champion"] or "none"),
        ("Previous version", record["previous"] or "none"),
        ("Model", record["model_hash"] or "unknown"),
        ("Test data", record["data_hash"] or "unknown"),
        ("Configuration", record["config_hash"]),
        *hashes,
    ]
    return [
        Banner(decision.verdict, _HEADLINES[decision.verdict]),
        Bullets(decision.reasons),
        rule_table("Rules", record["rules"]),
        Heading("What was decided on"),
        Facts(facts),
    ]
