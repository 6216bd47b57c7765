"""Generate `components/README.md` from the components' own signatures and docstrings.

`python -m pipelines.component_docs` writes it; with `--check` it only says whether the file is up to date.
"""

import argparse
import inspect
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import docstring_parser
from kfp.dsl.base_component import BaseComponent
from kfp.dsl.structures import InputSpec

import components
from components.analyze_sensitivity import analyze_sensitivity
from components.decide_release import decide_release
from components.deploy_model import deploy_model
from components.detect_bias import detect_bias
from components.generate_summaries import generate_summaries
from components.notify import notify
from components.prepare_data import prepare_data
from components.register_model import register_model
from components.rollback_model import rollback_model
from components.select_hyperparameters import select_hyperparameters
from components.train_model import train_model
from components.tune_hyperparameters import tune_hyperparameters
from components.validate_model import validate_model
from lab_lens import artifacts
from lab_lens.errors import EXIT_DONE, EXIT_INTERNAL, ContractError

README = Path(components.__file__).parent / "README.md"
# As the graph runs them; the search for hyperparameters only where it is asked for.
COMPONENTS: tuple[BaseComponent, ...] = (
    prepare_data,
    tune_hyperparameters,
    select_hyperparameters,
    train_model,
    generate_summaries,
    validate_model,
    detect_bias,
    analyze_sensitivity,
    decide_release,
    register_model,
    deploy_model,
    rollback_model,
    notify,
)
_INTRODUCTION = """\
# Components

<!-- Written by `make docs` from the signatures and docstrings; change those instead. -->

Each file is the contract of one stage: a typed KFP component with one call into `lab_lens.stages`. An image is named by
its family; compilation says which registry, tag or digest that is. Artifacts are directories, except pages (`HTML`),
which are single files, and `Metrics`, which are numbers that the pipeline system keeps itself."""
_GIVEN_BY_SYSTEM = "PipelineTaskFinalStatus"


def component_readme(documented: Iterable[BaseComponent] = COMPONENTS) -> str:
    """The README's whole text.

    Raises:
        ContractError: a component, an input or an output has no description.
    """
    parts = [_INTRODUCTION, *(_section(component) for component in documented)]
    return "\n\n".join(parts) + "\n"


def _section(component: BaseComponent) -> str:
    spec = component.component_spec
    name: str = component.python_func.__name__
    docs = docstring_parser.parse(inspect.getdoc(component.python_func) or "")
    described = {param.arg_name: param.description or "" for param in docs.params}
    if docs.returns is not None:
        described["Output"] = docs.returns.description or ""
    inputs, outputs = spec.inputs or {}, spec.outputs or {}
    _require_described(name, docs.short_description, [*inputs, *outputs], described)
    blocks = [
        f"## {name}",
        str(docs.short_description),
        f"Image `{spec.implementation.container.image}`, contract [`{name}.py`]({name}.py), "
        f"behaviour [`run_{name}`](../lab_lens/stages/{name}.py).",
        _table(
            ("input", "type", "default", "what it is"),
            [(f"`{key}`", _input_type(value), _default(value), described[key]) for key, value in inputs.items()],
        ),
    ]
    if outputs:
        rows = [(f"`{key}`", _type(value.type), described[key]) for key, value in outputs.items()]
        blocks.append(_table(("output", "type", "what it is"), rows))
    return "\n\n".join(blocks)


def _require_described(component: str, summary: str | None, names: Sequence[str], described: dict[str, str]) -> None:
    silent = [name for name in names if not described.get(name)]
    if silent or not summary:
        raise ContractError(f"the docstring of component {component} lacks {', '.join(silent) or 'a summary'}")


def _input_type(given: InputSpec) -> str:
    return f"list of {_type(given.type)}" if given.is_artifact_list else _type(given.type)


def _type(kfp_type: str) -> str:
    return re.sub(r"^system\.|@[\d.]+$", "", kfp_type)


def _default(given: InputSpec) -> str:
    if given.type == _GIVEN_BY_SYSTEM:
        return "given by the pipeline system"
    return f'`"{given.default}"`' if given.optional else "required"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(_row(cells) for cells in (header, ["---"] * len(header), *rows))


def _row(cells: Sequence[str]) -> str:
    # A table's cell ends at a bar, even inside a code span.
    escaped = [" ".join(cell.split()).replace("|", "\\|") for cell in cells]
    return f"| {' | '.join(escaped)} |"


def main(argv: Sequence[str] | None = None, readme: Path = README) -> int:
    """Write the README, or check it; returns the exit status (1: the file differs)."""
    parser = argparse.ArgumentParser("python -m pipelines.component_docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with status 1 when the file differs")
    if not parser.parse_args(argv).check:
        artifacts.write_text(readme, component_readme())
        return EXIT_DONE
    written = readme.read_text(encoding="utf-8") if readme.is_file() else ""
    if written == component_readme():
        return EXIT_DONE
    sys.stderr.write(f"{readme} differs from the components' signatures and docstrings: run `make docs`, commit it\n")
    return EXIT_INTERNAL


if __name__ == "__main__":
    sys.exit(main())
