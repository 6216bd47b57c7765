"""What a version is registered with, checked: its papers are its own, and its figures are those of its own report."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from lab_lens import artifacts
from lab_lens.errors import InputError
from lab_lens.registry.base import Evidence, ModelVersion, utc_now
from lab_lens.registry.index import MODEL_DIR, VERSION_JSON

VALIDATION_REPORT_JSON = f"{artifacts.VALIDATION_REPORT}.json"
_DOCUMENT_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


def read_documents(evidence: Evidence) -> dict[str, bytes]:
    """Read the documents that a version is to be kept with, once: what is checked is what is stored.

    Raises:
        InputError: a document has a name that is not allowed, cannot be read, or contradicts the evidence; every
            problem is named.
    """
    problems = [_name_problem(name) for name in evidence.documents]
    problems += [f"no such file: {path}" for path in evidence.documents.values() if not path.is_file()]
    if found := [problem for problem in problems if problem]:
        raise InputError(found)
    documents = {name: path.read_bytes() for name, path in evidence.documents.items()}
    if found := [
        problem for problem in (_figures_problem(evidence, documents), _verdict_problem(evidence, documents)) if problem
    ]:
        raise InputError(found)
    return documents


def require_own_documents(documents: Mapping[str, bytes], content_hash: str) -> None:
    """Check that the validation report and the decision are about the model with this content hash.

    A validation report must name its model; a decision need not, but may name no other.

    Raises:
        InputError: they are about another model.
    """
    problems = []
    for name, must in ((VALIDATION_REPORT_JSON, True), (artifacts.DECISION_JSON, False)):
        about = _content(documents, name).get("model_hash") if name in documents else content_hash
        if about != content_hash and (must or about is not None):
            problems.append(
                f"{name} is about another model (sha256 {str(about)[:12]}, this one is {content_hash[:12]}); "
                "give the papers of the model that is registered"
            )
    if problems:
        raise InputError(problems)


def require_document(metadata: ModelVersion, name: str) -> str:
    """The sha256 of a document that a version is kept with.

    Raises:
        InputError: it has no such document.
    """
    if name not in metadata.document_hashes:
        kept = ", ".join(sorted(metadata.document_hashes)) or "none"
        raise InputError(f"{metadata.version} has no document {name!r}; it is kept with: {kept}")
    return metadata.document_hashes[name]


def describe(
    version: str, evidence: Evidence, documents: Mapping[str, bytes], file_hashes: Mapping[str, str], actor: str
) -> ModelVersion:
    """Metadata of a version.

    Args:
        version: its name.
        evidence: it came with.
        documents: content of the evidence's documents, from `read_documents`.
        file_hashes: of the model's files as they are stored, keyed by POSIX path.
        actor: who registers.
    """
    document_hashes = {name: hashlib.sha256(content).hexdigest() for name, content in documents.items()}
    return ModelVersion(
        version=version,
        content_hash=artifacts.content_hash(dict(file_hashes)),
        file_hashes=dict(sorted(file_hashes.items())),
        document_hashes=document_hashes,
        metrics=dict(evidence.metrics),
        decision_hash=document_hashes.get(artifacts.DECISION_JSON, ""),
        config_hash=evidence.config_hash,
        data_hash=evidence.data_hash,
        created=utc_now(),
        actor=actor,
        code_hash=evidence.code_hash,
        decoding_hash=evidence.decoding_hash,
        verdict=_verdict(documents),
        links=dict(evidence.links),
    )


def report_metrics(report: Mapping[str, Any]) -> dict[str, float | None]:
    """The figures of a validation report: each metric as `name`, its interval as `name_low` and `name_high`.

    Raises:
        InputError: it does not hold them as validation writes them.
    """
    found: dict[str, float | None] = {}
    try:
        for name, interval in report.get("metrics", {}).items():
            found |= {name: interval["estimate"], f"{name}_low": interval["low"], f"{name}_high": interval["high"]}
    except (AttributeError, KeyError, TypeError) as error:
        raise InputError(
            f"the metrics of a validation report need estimate, low and high each; found: {error}"
        ) from error
    return found


def expected_files(metadata: ModelVersion) -> dict[str, str]:
    """The sha256 of every file that a version's directory holds beside version.json, keyed by POSIX path."""
    return metadata.document_hashes | {f"{MODEL_DIR}/{name}": sha for name, sha in metadata.file_hashes.items()}


def differences(expected: Mapping[str, str], actual: Mapping[str, str]) -> list[str]:
    """One sentence for each missing, changed or added file; both are hashes keyed by path."""
    missing = [f"{name} is missing" for name in sorted(expected.keys() - actual.keys())]
    changed = [
        f"{name} was changed after registration"
        for name in sorted(expected.keys() & actual.keys())
        if actual[name] != expected[name]
    ]
    added = [f"{name} was added after registration" for name in sorted(actual.keys() - expected.keys())]
    return missing + changed + added


def _name_problem(name: str) -> str:
    if _DOCUMENT_NAME.fullmatch(name) and name not in (VERSION_JSON, MODEL_DIR):
        return ""
    return (
        f"document name {name!r} is not allowed: use letters, digits, '.', '_' and '-', and neither {VERSION_JSON} "
        f"nor {MODEL_DIR}"
    )


def _figures_problem(evidence: Evidence, documents: Mapping[str, bytes]) -> str:
    own = report_metrics(_content(documents, VALIDATION_REPORT_JSON))
    foreign = sorted(name for name, value in evidence.metrics.items() if name not in own or own[name] != value)
    if not foreign:
        return ""
    told = "says otherwise" if VALIDATION_REPORT_JSON in documents else "is not among the documents"
    return (
        f"these figures are not those of the model's own report, {VALIDATION_REPORT_JSON}, which {told}: "
        f"{', '.join(foreign)}; give the figures of that report"
    )


def _verdict_problem(evidence: Evidence, documents: Mapping[str, bytes]) -> str:
    own = _verdict(documents)
    if not evidence.verdict or evidence.verdict == own:
        return ""
    return f"the verdict {evidence.verdict!r} is not that of {artifacts.DECISION_JSON}, which says {own!r}"


def _verdict(documents: Mapping[str, bytes]) -> str:
    return str(_content(documents, artifacts.DECISION_JSON).get("verdict") or "")


def _content(documents: Mapping[str, bytes], name: str) -> dict[str, Any]:
    """A JSON document as an object; empty when it is not there."""
    try:
        content = json.loads(documents.get(name, b"{}"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{name} is not JSON ({error.__class__.__name__}); was it written by lab-lens?") from error
    if not isinstance(content, dict):
        raise InputError(f"{name} must hold an object, as its stage writes it, not a {type(content).__name__}")
    return content
