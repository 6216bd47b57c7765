"""What Vertex AI Model Registry is to show of a version, within the rules that it has for names, labels and texts."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from lab_lens.registry.base import ModelVersion
from lab_lens.registry.vertex_location import VertexLocation

VERSION_LABEL = "lab_lens_version"
STORE_LABEL = "lab_lens_store"
EVALUATION_LABEL = "lab_lens_evaluation"
# The schema of summarization holds one figure.
METRICS_SCHEMA = "gs://google-cloud-aiplatform/schema/modelevaluation/summarization_metrics_1.0.0.yaml"
SCHEMA_METRIC = "rougeLSum"
OWN_METRIC = "rougeLsum"
PIPELINE_JOB = "pipeline_job"
_LABEL_CHARS = 63
_HASH_CHARS = 32
_DESCRIPTION_CHARS = 1500
_ALIAS = re.compile(r"v[a-z0-9-]{0,61}[a-z0-9]")
_PIPELINE_JOB_NAME = re.compile(r"projects/[^/]+/locations/[^/]+/pipelineJobs/[^/]+")
_PORT = 8080


def alias_of(version: str) -> str:
    """A version's name as an alias and as a label: v1.4.0 becomes v1-4-0 with a hash, so that it stays its own."""
    if _ALIAS.fullmatch(version):
        return version
    plain = re.sub(r"[^a-z0-9-]", "-", version.lower())[:48].rstrip("-")
    return f"{plain}-{_sha256(version)[:8]}"


def store_label(store: str) -> str:
    """A label by which versions of one registry are known."""
    return _sha256(store)[:_LABEL_CHARS]


def labels_of(metadata: ModelVersion, store: str) -> dict[str, str]:
    """Labels of a version: where it comes from, and the beginnings of the hashes that it binds."""
    hashes = {
        "lab_lens_content": metadata.content_hash,
        "lab_lens_data": metadata.data_hash,
        "lab_lens_config": metadata.config_hash,
        "lab_lens_code": metadata.code_hash,
        "lab_lens_decoding": metadata.decoding_hash,
        "lab_lens_decision": metadata.decision_hash,
        "lab_lens_verdict": metadata.verdict,
    }
    own = {VERSION_LABEL: alias_of(metadata.version), STORE_LABEL: store_label(store)}
    return own | {key: _label(value) for key, value in hashes.items() if value}


def description_of(metadata: ModelVersion) -> str:
    """The verdict, the figures with their intervals, and where more is told, in a few lines."""
    names = [name for name in metadata.metrics if not name.endswith(("_low", "_high"))]
    figures = "; ".join(_figure(name, metadata.metrics) for name in names)
    lines = [
        f"{metadata.version}, registered {metadata.created} by {metadata.actor}; sha256 {metadata.content_hash}",
        f"verdict: {metadata.verdict or 'none'}",
        *([f"figures: {figures}"] if figures else []),
        *(f"{name}: {link}" for name, link in sorted(metadata.links.items())),
    ]
    text = "\n".join(lines)
    return text if len(text) <= _DESCRIPTION_CHARS else f"{text[: _DESCRIPTION_CHARS - 3]}..."


def model_of(metadata: ModelVersion, artifact_uri: str, location: VertexLocation) -> dict[str, Any]:
    """A version as Vertex AI takes it; it gets its own alias and no other."""
    job = metadata.links.get(PIPELINE_JOB, "")
    return {
        "display_name": location.model,
        "description": f"versions of the registry {location.store}",
        "version_description": description_of(metadata),
        "version_aliases": [alias_of(metadata.version)],
        "labels": labels_of(metadata, location.store),
        "artifact_uri": artifact_uri,
        **({"container_spec": _container(location.image)} if location.image else {}),
        **({"pipeline_job": job} if _PIPELINE_JOB_NAME.fullmatch(job) else {}),
    }


def evaluation_of(metadata: ModelVersion) -> dict[str, Any] | None:
    """The evaluation of a version, as far as the schema of summarization holds it; None: it has no such figure."""
    figure = metadata.metrics.get(OWN_METRIC)
    if figure is None:
        return None
    return {
        "display_name": f"lab-lens {metadata.version}",
        "metrics_schema_uri": METRICS_SCHEMA,
        "metrics": {SCHEMA_METRIC: figure},
        "metadata": {"validation_report_sha256": metadata.document_hashes.get("validation_report.json", "")}
        | dict(metadata.links),
    }


def slices_of(bias_report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The slices of a bias report for which it has the figure that the schema holds; rows without a value are none."""
    found = []
    for attribute, finding in bias_report.get("attributes", {}).items():
        for item in finding.get("slices", []):
            figure = (item.get("metrics", {}).get(OWN_METRIC) or {}).get("estimate")
            if figure is not None and item.get("recorded", True):
                found.append(_slice(attribute, str(item["slice"]), figure))
    return found


def _slice(attribute: str, value: str, figure: float) -> dict[str, Any]:
    spec = {"configs": {attribute: {"value": {"string_value": value}}}}
    return {
        "slice_": {"dimension": "slice", "value": f"{attribute}={value}", "slice_spec": spec},
        "metrics_schema_uri": METRICS_SCHEMA,
        "metrics": {SCHEMA_METRIC: figure},
    }


def _container(image: str) -> dict[str, Any]:
    # The routes and the port of `lab_lens.serving`.
    return {
        "image_uri": image,
        "ports": [{"container_port": _PORT}],
        "predict_route": "/predict",
        "health_route": "/health",
    }


def _figure(name: str, metrics: Mapping[str, float | None]) -> str:
    value, low, high = metrics[name], metrics.get(f"{name}_low"), metrics.get(f"{name}_high")
    if value is None:
        return f"{name} not computed"
    interval = f" ({low:.4g} to {high:.4g})" if low is not None and high is not None else ""
    return f"{name} {value:.4g}{interval}"


def _label(value: str) -> str:
    return re.sub(r"[^a-z0-9_-]", "-", value.lower())[:_HASH_CHARS]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
