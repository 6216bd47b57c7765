"""`lab-lens validate-model`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from lab_lens.cli.arguments import Subparsers, add_command, add_config, add_out, add_tracking, stamp, tracking_of
from lab_lens.cli.console import say
from lab_lens.errors import EXIT_DONE, InputError

# As `lab_lens.metrics.pairs.ROLES`, which takes long to import; a test holds them together.
ROLES = (
    *("example_id", "subject_id", "input_text", "target_summary"),
    *("summary", "log_probability", "input_tokens", "output_tokens", "truncated"),
)


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command."""
    parser = add_command(
        subparsers,
        "validate-model",
        run,
        summary="Measure predictions against references, trivial baselines and the champion, with intervals.",
        example="lab-lens validate-model --predictions predictions --data data/model_ready --config configs/demo.json",
    )
    parser.add_argument("--predictions", type=Path, required=True, metavar="PATH", help="predictions.csv or its folder")
    parser.add_argument("--data", type=Path, required=True, metavar="PATH", help="test.csv or its directory")
    parser.add_argument("--champion", type=Path, metavar="DIR", help="the champion's predictions; default: none")
    _add_selection(parser)
    _add_settings(parser)
    add_config(parser)
    add_out(parser, "validation_reports")
    add_tracking(parser)


def _add_selection(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("files that were not written by lab-lens (--predictions and --data may be one)")
    words = f"the column that holds OURS, one of {', '.join(ROLES)}; repeatable"
    group.add_argument("--column", action="append", default=[], metavar="OURS=THEIRS", help=words)
    words = "only rows that have this value, in every file with the column; repeatable"
    group.add_argument("--where", action="append", default=[], metavar="COLUMN=VALUE", help=words)


def _add_settings(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("settings (they win over the configuration's section validation)")
    switch = argparse.BooleanOptionalAction
    group.add_argument("--rouge-stemmer", action=switch, default=None, help="stem words; many papers do not")
    words = "what ROUGE-Lsum goes through; lines: as many papers use rouge_score"
    group.add_argument("--rouge-sentences", choices=("sentences", "lines"), help=words)
    group.add_argument("--facts", action=switch, default=None, help="measure clinical facts")
    group.add_argument("--bertscore-encoder", metavar="MODEL", help="directory or hub id; default: no BERTScore")
    words = "show notes, references and summaries in the page, with findings marked: PHI"
    group.add_argument("--show-text", action=switch, default=None, help=words)


def run(arguments: argparse.Namespace) -> int:
    """Validate."""
    from lab_lens.artifacts import VALIDATION_REPORT
    from lab_lens.config import load_config, with_overrides
    from lab_lens.metrics.pairs import Selection
    from lab_lens.stages.validate_model import run_validate_model

    columns, column_problems = _pairs("--column", arguments.column, allowed=ROLES)
    where, where_problems = _pairs("--where", arguments.where)
    if column_problems or where_problems:
        raise InputError([*column_problems, *where_problems])
    names = ("rouge_stemmer", "rouge_sentences", "facts", "bertscore_encoder", "show_text")
    overrides = {f"validation.{name}": getattr(arguments, name) for name in names}
    config = with_overrides(load_config(arguments.config), overrides)
    stamped = f"_{stamp()}"
    html = arguments.out / f"{VALIDATION_REPORT}{stamped}.html"
    result = run_validate_model(
        arguments.data,
        arguments.predictions,
        config,
        champion=arguments.champion,
        report_dir=arguments.out,
        html=html,
        stamp=stamped,
        tracking=tracking_of(arguments, config),
        selection=Selection(columns, where),
    )
    say(f"report: {result.report}\npage: {html}")
    return EXIT_DONE


def _pairs(option: str, texts: Sequence[str], allowed: Sequence[str] = ()) -> tuple[dict[str, str], list[str]]:
    """Parse NAME=VALUE texts, and tell which are none, name what is not allowed, or give a name twice."""
    found: dict[str, str] = {}
    problems: list[str] = []
    for text in texts:
        name, _, value = text.partition("=")
        if not (name and value):
            problems.append(f"{option} {text!r} must have the form NAME=VALUE")
        elif allowed and name not in allowed:
            problems.append(f"{option} {text!r}: {name} is not one of {', '.join(allowed)}")
        elif name in found:
            problems.append(f"{option} gives {name} twice")
        found[name] = value
    return found, problems
