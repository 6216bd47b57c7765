"""Compile the pipeline to one IR document, for a target and with its images and machines."""

import logging
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from kfp import compiler, dsl

from components.images import OPS, TRAINER
from lab_lens import artifacts
from lab_lens.config import Config
from lab_lens.errors import ContractError
from pipelines.custom_job import train_in_custom_job
from pipelines.image_references import ImageReferences
from pipelines.model_development import build_pipeline
from pipelines.resources import Target, set_resources


@dataclass(frozen=True)
class CompileOptions:
    """What compilation decides, besides the graph.

    Attributes:
        images: what the families of images are called; a family without a reference keeps its bare name.
        config: the run's configuration, whose `resources` are compiled in, and whose `tuning` decides whether the graph
            searches hyperparameters; None: nothing is declared and nothing searched.
        target: where the document is to run: `local`, `kubeflow` or `vertex`.
    """

    images: ImageReferences = field(default_factory=ImageReferences)
    config: Config | None = None
    target: Target = "local"


_VALIDATION = "exec-validate-model"
_logger = logging.getLogger(__name__)
_AS_IT_IS = CompileOptions()
# Only Vertex AI has full names of runs; kfp.local stops at the placeholder of one.
_JOB = {
    "local": dsl.PIPELINE_JOB_NAME_PLACEHOLDER,
    "kubeflow": dsl.PIPELINE_JOB_NAME_PLACEHOLDER,
    "vertex": dsl.PIPELINE_JOB_RESOURCE_NAME_PLACEHOLDER,
}


def compile_pipeline(out: Path, options: CompileOptions = _AS_IT_IS) -> Path:
    """Write the compiled pipeline (KFP IR, YAML) to `out`, atomically; the same options give the same bytes.

    Raises:
        ContractError: the compiler gave more than one document, which Vertex and kfp.local cannot read.
        InputError: the target has no machine such as a task asks for.
    """
    with tempfile.TemporaryDirectory() as scratch:
        compiled = Path(scratch) / "pipeline.yaml"
        searches = options.config.tuning.searches() if options.config else 0
        compiler.Compiler().compile(build_pipeline(searches, _JOB[options.target]), str(compiled))
        text = compiled.read_text(encoding="utf-8")
    documents = list(yaml.safe_load_all(text))
    if len(documents) != 1:
        raise ContractError("the pipeline compiled to several YAML documents: it uses a platform feature of KFP")
    _fit(documents[0], options)
    heading = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
    return artifacts.write_text(out, heading + yaml.dump(documents[0], sort_keys=True))


def _fit(document: dict[str, Any], options: CompileOptions) -> None:
    """Name the images, set what each task may use, and let training be a job where the settings ask for one."""
    executors = document["deploymentSpec"]["executors"]
    if options.config is not None and options.config.validation.measuring_models():
        # The evaluator's image has no torch.
        executors[_VALIDATION]["container"]["image"] = TRAINER
    for executor in executors.values():
        executor["container"]["image"] = options.images.of(executor["container"]["image"])
    if options.config is None:
        return
    resources = options.config.resources
    set_resources(executors, resources, options.target)
    if not resources.is_job():
        return
    if options.target == "vertex":
        train_in_custom_job(document, resources, options.images.of(OPS))
    else:
        _logger.info(
            "resources.training asks for a custom job of Vertex AI; on %s it is an ordinary task", options.target
        )
