"""Stage prepare_data: a user's table, or synthetic notes, to train, val and test examples with a data report."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from lab_lens.artifacts import (
    DATA_REPORT,
    TEST_CSV,
    TRAIN_CSV,
    VAL_CSV,
    require_written,
    sha256_file,
    write_json,
)
from lab_lens.config import Columns, Config
from lab_lens.notes.data_checks import SPLIT_COLUMN, check_examples, word_counts
from lab_lens.notes.examples import (
    SLICE_ATTRIBUTES,
    filter_examples,
    mapping_facts,
    require_slices,
    to_examples,
    write_examples,
)
from lab_lens.notes.splits import SPLIT_NAMES, assign_splits
from lab_lens.notes.tables import read_table
from lab_lens.reporting.html import Block, Bullets, Facts, Figure, Heading, Paragraph, Table, write_page
from lab_lens.tracking import TrackingTarget, tracked

SYNTHETIC = "synthetic"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PreparedData:
    """Paths of what was written, and `counts`: rows_read, rows_filtered, examples, patients, and examples a split."""

    train: Path
    val: Path
    test: Path
    report: Path
    counts: dict[str, int]


def run_prepare_data(
    data: str,
    config: Config,
    *,
    train_dir: Path,
    val_dir: Path,
    test_dir: Path,
    report_dir: Path,
    html: Path,
    tracking: TrackingTarget | None = None,
) -> PreparedData:
    """Read, map, filter and split examples; write them with a report on what they are.

    Args:
        data: "synthetic", or the path of a CSV, Parquet or JSON Lines file with the columns of `config.data.columns`.
        config: data, fairness slices and seed are used.
        train_dir, val_dir, test_dir: get train.csv, val.csv and test.csv; may be the same directory.
        report_dir: gets data_report.json (counts, lengths, slices, leakage; no text of any note).
        html: path of the page that shows the report.
        tracking: where counts are recorded; None records nothing.

    Raises:
        InputError: the data cannot be read or mapped, all rows are filtered, a slice attribute does not hold groups, or
            there are fewer than three patients.
    """
    paths = {"train": train_dir / TRAIN_CSV, "val": val_dir / VAL_CSV, "test": test_dir / TEST_CSV}
    report_path = report_dir / f"{DATA_REPORT}.json"
    with tracked(tracking, "prepare_data") as tracker:
        examples, report = _prepare(data, config)
        for name, path in paths.items():
            part = examples[examples[SPLIT_COLUMN] == name]
            write_examples(part.drop(columns=SPLIT_COLUMN), path)
        report["sha256"] = {name: sha256_file(path) for name, path in paths.items()}
        write_json(report_path, report)
        write_page(html, "Data", _blocks(report, examples), subtitle=_headline(report["counts"]))
        counts = _flat_counts(report["counts"])
        tracker.log_metrics({f"data/{name}": float(count) for name, count in counts.items()})
    _log(report)
    require_written([*paths.values(), report_path, html])
    return PreparedData(paths["train"], paths["val"], paths["test"], report_path, counts)


def _prepare(data: str, config: Config) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Examples with their split in SPLIT_COLUMN, and the report on them."""
    raw, columns, source = _read(data, config)
    filtered = filter_examples(to_examples(raw, columns), config.data)
    slices = tuple(dict.fromkeys((*SLICE_ATTRIBUTES, *config.fairness.slices)))
    require_slices(filtered.examples, slices)
    split = assign_splits(list(filtered.examples["subject_id"]), config.data.splits, config.seed)
    examples = filtered.examples.assign(**{SPLIT_COLUMN: split})
    facts = mapping_facts(raw, columns)
    report = check_examples(examples, filtered.removed, facts, slices, config.fairness.min_examples_per_slice)
    return examples, report | {"source": source}


def _read(data: str, config: Config) -> tuple[pd.DataFrame, Columns, dict[str, Any]]:
    if data == SYNTHETIC:
        from lab_lens.notes.synthetic import synthetic_examples

        wanted = config.data.synthetic
        made = synthetic_examples(wanted.patients, config.seed, detail=wanted.detail)
        # The synthetic table has the contract's own columns; a mapping in the config is for the user's data.
        return made, Columns(), {"kind": SYNTHETIC, "seed": config.seed} | wanted.model_dump()
    path = Path(data)
    frame = read_table(path)
    return frame, config.data.columns, {"kind": "file", "name": path.name, "sha256": sha256_file(path)}


def _flat_counts(counts: dict[str, Any]) -> dict[str, int]:
    totals = {name: counts[name] for name in ("rows_read", "rows_filtered", "examples", "patients")}
    return totals | {name: counts["splits"][name]["examples"] for name in SPLIT_NAMES}


def _headline(counts: dict[str, Any]) -> str:
    parts = ", ".join(f"{counts['splits'][name]['examples']:,} {name}" for name in SPLIT_NAMES)
    return f"{counts['examples']:,} examples of {counts['patients']:,} patients: {parts}"


def _log(report: dict[str, Any]) -> None:
    counts = report["counts"]
    logger.info("read %s rows, filtered %s", f"{counts['rows_read']:,}", f"{counts['rows_filtered']:,}")
    logger.info("%s", _headline(counts))
    for warning in report["warnings"]:
        logger.warning("%s", warning)


def _blocks(report: dict[str, Any], examples: pd.DataFrame) -> list[Block]:
    counts, overlap, duplicates = report["counts"], report["target_in_input"], report["duplicate_inputs"]
    splits = [[name, row["examples"], row["patients"]] for name, row in counts["splits"].items()]
    facts = Facts(
        [
            ("rows read", f"{counts['rows_read']:,}"),
            *((f"filtered: {reason}", f"{count:,}") for reason, count in report["filtered_rows"].items()),
            ("references' word trigrams that stand in their notes, mean", _percent(overlap["mean_trigram_fraction"])),
            ("references that stand in their note word for word", f"{overlap['verbatim_examples']:,}"),
            ("examples whose note repeats another example's", f"{duplicates['repeated_examples']:,}"),
            ("notes in more than one split", f"{duplicates['texts_in_several_splits']:,}"),
        ]
    )
    return [
        Bullets(report["warnings"]) if report["warnings"] else Paragraph("Nothing in the data calls for a warning."),
        facts,
        Table("Splits, by patient", ["split", "examples", "patients"], splits),
        Heading("Lengths"),
        *_length_blocks(report, examples),
        Heading("Who the patients are"),
        *_slice_tables(report),
    ]


def _percent(fraction: float | None) -> str:
    return "not computed: no reference has three words" if fraction is None else f"{fraction:.1%}"


def _length_blocks(report: dict[str, Any], examples: pd.DataFrame) -> list[Block]:
    from lab_lens.reporting.plots import histograms

    blocks: list[Block] = []
    for column, title in (("input_text", "Notes"), ("target_summary", "Reference summaries")):
        quantiles = report["length_words"][column]
        names = list(quantiles["all"])
        rows = [[group, *(values[name] for name in names)] for group, values in quantiles.items()]
        groups = {name: word_counts(examples[column][examples[SPLIT_COLUMN] == name]) for name in SPLIT_NAMES}
        png = histograms(f"{title}: length by split", groups, "words")
        alt = f"Lengths of the {title.lower()} in words; median {quantiles['all']['median']:,.0f}."
        blocks += [Figure(f"{title}: length", png, alt), Table(f"{title}: words", ["split", *names], rows)]
    return blocks


def _slice_tables(report: dict[str, Any]) -> list[Block]:
    blocks: list[Block] = []
    for attribute, values in report["slices"].items():
        if attribute not in report["absent_attributes"]:
            rows = [[value or "(blank)", *(held[name] for name in SPLIT_NAMES)] for value, held in values.items()]
            blocks.append(Table(f"Examples by {attribute}", [attribute, *SPLIT_NAMES], rows))
    if report["absent_attributes"]:
        blocks.append(Paragraph(f"Absent from the data: {', '.join(report['absent_attributes'])}."))
    return blocks
