"""Compile the pipeline to one IR document."""

import tempfile
from pathlib import Path

from kfp import compiler

from lab_lens import artifacts
from lab_lens.errors import ContractError
from pipelines.model_development import model_development


def compile_pipeline(out: Path) -> Path:
    """Write the compiled pipeline (KFP IR, YAML) to `out`, atomically.

    Raises:
        ContractError: the compiler gave more than one document, which Vertex and kfp.local cannot read.
    """
    with tempfile.TemporaryDirectory() as scratch:
        compiled = Path(scratch) / "pipeline.yaml"
        compiler.Compiler().compile(model_development, str(compiled))
        text = compiled.read_text(encoding="utf-8")
    if "\n---\n" in text:
        raise ContractError("the pipeline compiled to several YAML documents: it uses a platform feature of KFP")
    return artifacts.write_text(out, text)
