"""How many planted errors the fact review finds, and how often it raises an alarm over a faultless reference.

python benchmarks/planted_facts.py                      # synthetic notes, the held-out half
python benchmarks/planted_facts.py --data DIR           # also DIR/aci-bench and DIR/mts-dialog
python benchmarks/planted_facts.py --half development   # the half that rules and lexicons were tuned on
"""

import argparse
import csv
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from benchmarks.planted_errors import KINDS, Pair, Planted, plant
from lab_lens.metrics.facts import Finding, review_summary
from lab_lens.notes.synthesis.patients import admissions_of
from lab_lens.notes.synthesis.scenarios import SCENARIOS
from lab_lens.notes.synthetic import Detail, synthetic_examples

PATIENTS = 600
SEEDS = {"development": 21, "held-out": 22}
_MOST_CONDITIONS: dict[Detail, int] = {"brief": 2, "full": 8}
_OTHERS = 24


@dataclass
class Tally:
    """What happened in one corpus."""

    planted: Counter[str] = field(default_factory=Counter)
    detected: Counter[str] = field(default_factory=Counter)
    summaries: int = 0
    alarmed: int = 0
    facts: int = 0
    false_facts: int = 0
    alarms: list[tuple[Pair, Finding]] = field(default_factory=list)
    missed: list[tuple[Pair, Planted]] = field(default_factory=list)


def main() -> None:
    """Print one Markdown table of detection rates and one of false alarms."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder that holds aci-bench/ and mts-dialog/")
    parser.add_argument("--half", choices=tuple(SEEDS), default="held-out")
    parser.add_argument(
        "--patients", type=int, default=PATIENTS, help="synthetic patients of each detail, of both halves"
    )
    arguments = parser.parse_args()
    corpora = corpora_of(arguments.half, arguments.patients, arguments.data)
    tallies = {name: run(pairs, SEEDS[arguments.half]) for name, pairs in corpora.items()}
    print(f"Half: {arguments.half}.\n\n{detection_table(tallies)}\n\n{alarm_table(tallies)}")


def corpora_of(half: str, patients: int, data: Path | None) -> dict[str, list[Pair]]:
    """The pairs of one half of every corpus, by its name."""
    corpora = {f"synthetic, {detail}": synthetic_pairs(half, patients, detail) for detail in ("full", "brief")}
    if data is not None:
        corpora["ACI-Bench plan from its note"] = aci_plans(data, half)
        corpora["ACI-Bench note from its dialogue"] = aci_notes(data, half)
        corpora["MTS-Dialog section from its dialogue"] = mts_sections(data, half)
    return corpora


def run(pairs: list[Pair], seed: int) -> Tally:
    """Review every reference untouched, and once for every kind of error that it has a place for."""
    tally = Tally()
    rng = Random(seed)
    for pair in pairs:
        untouched = review_summary(pair.reference, pair.note)
        tally.summaries += 1
        tally.alarmed += bool(untouched.findings)
        tally.false_facts += len(untouched.findings)
        tally.facts += sum(sum(counts.values()) for counts in untouched.counts.values())
        tally.alarms += [(pair, finding) for finding in untouched.findings]
        known = Counter(_signature(pair.reference, finding) for finding in untouched.findings)
        for kind in KINDS:
            error = plant(kind, pair, rng)
            if error is None:
                continue
            tally.planted[kind] += 1
            if _is_found(error, pair, known):
                tally.detected[kind] += 1
            else:
                tally.missed.append((pair, error))
    return tally


def _is_found(error: Planted, pair: Pair, known: Counter[tuple[str, str, str, str]]) -> bool:
    """Whether a finding that the untouched reference did not raise touches the planted characters."""
    left = known.copy()
    for finding in review_summary(error.text, pair.note).findings:
        signature = _signature(error.text, finding)
        if left[signature]:
            left[signature] -= 1
        elif finding.summary_span and finding.summary_span[0] < error.end and error.start < finding.summary_span[1]:
            return True
    return False


def _signature(text: str, finding: Finding) -> tuple[str, str, str, str]:
    start, end = finding.summary_span or (0, 0)
    return (finding.problem, finding.kind, finding.differs, text[start:end])


def synthetic_pairs(half: str, patients: int, detail: Detail) -> list[Pair]:
    """Pairs whose reason for admission belongs to this half: half of the 51 are kept out of the development."""
    seed = SEEDS[half]
    keys = [scenario.key for scenario in sorted(SCENARIOS, key=lambda scenario: scenario.key)]
    mine = set(keys[half == "held-out" :: 2])
    rows = synthetic_examples(patients, seed, detail)
    stays = [stay for patient in range(patients) for stay in admissions_of(patient, seed, _MOST_CONDITIONS[detail])]
    kept = rows[[stay.scenario.key in mine for stay in stays]]
    notes = kept["input_text"].tolist()
    return _pairs(notes, [_with_dates(*row) for row in zip(kept["target_summary"], notes, strict=True)])


def _with_dates(summary: str, note: str) -> str:
    """The summary with the dates of the stay, which the generator's summaries leave out."""
    dates = re.search(r"Admission Date:\s*(\S+)\s+Discharge Date:\s*(\S+)", note)
    return f"{summary} Admitted on {dates[1]} and discharged on {dates[2]}." if dates else summary


def aci_plans(data: Path, half: str) -> list[Pair]:
    """Assessment and plan of written clinic notes, held against the whole note, of which they are a part."""
    pairs = []
    for row in _rows(data / "aci-bench" / "aci_bench_pairs.csv", half):
        note, reference = row["target_text"], _plan(row["target_text"])
        if len(reference.split()) > 20:
            pairs.append((note, reference))
    return _pairs(*map(list, zip(*pairs, strict=True)))


def _plan(note: str) -> str:
    match = re.search(r"^\s*(?:ASSESSMENT AND PLAN|ASSESSMENT|IMPRESSION)\b.*", note, re.MULTILINE | re.DOTALL)
    return match[0].strip() if match else ""


def aci_notes(data: Path, half: str) -> list[Pair]:
    """Clinic notes, held against the dialogue that they were written from."""
    rows = list(_rows(data / "aci-bench" / "aci_bench_pairs.csv", half))
    return _pairs([row["input_text"] for row in rows], [row["target_text"] for row in rows])


def mts_sections(data: Path, half: str) -> list[Pair]:
    """Sections of notes, held against the dialogue that they were written from."""
    names = ("MTS-Dialog-ValidationSet.csv", "MTS-Dialog-TestSet-1-MEDIQA-Chat-2023.csv")
    rows = [row for name in names for row in _rows(data / "mts-dialog" / name, half)]
    return _pairs([row["dialogue"] for row in rows], [row["section_text"] for row in rows])


def _rows(path: Path, half: str) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        for number, row in enumerate(csv.DictReader(stream)):
            if number % 2 == (half == "held-out"):
                yield row


def _pairs(notes: list[str], references: list[str]) -> list[Pair]:
    size = len(references)
    others = [
        tuple(references[(row + step * 7 + 1) % size] for step in range(min(_OTHERS, size - 1))) for row in range(size)
    ]
    return [Pair(*texts) for texts in zip(notes, references, others, strict=True)]


def wilson(hits: int, total: int) -> tuple[float, float]:
    """The 95 % Wilson score interval of a proportion (Wilson 1927); (0, 1) of nothing."""
    if not total:
        return 0.0, 1.0
    z, share = 1.959964, hits / total
    centre = share + z * z / (2 * total)
    half = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def detection_table(tallies: dict[str, Tally]) -> str:
    """Detected and planted errors by kind, with 95 % intervals."""
    lines = ["| planted error | " + " | ".join(tallies) + " |", "|---|" + "---|" * len(tallies)]
    lines += [
        f"| {kind} | "
        + " | ".join(_rate(tally.detected[kind], tally.planted[kind]) for tally in tallies.values())
        + " |"
        for kind in KINDS
    ]
    return "\n".join(lines)


def alarm_table(tallies: dict[str, Tally]) -> str:
    """False alarms on untouched references, by fact and by summary."""
    lines = ["| untouched references | facts with an alarm | summaries with an alarm |", "|---|---|---|"]
    lines += [
        f"| {name} | {_rate(tally.false_facts, tally.facts)} | {_rate(tally.alarmed, tally.summaries)} |"
        for name, tally in tallies.items()
    ]
    return "\n".join(lines)


def _rate(hits: int, total: int) -> str:
    if not total:
        return "-"
    low, high = wilson(hits, total)
    return f"{100 * hits / total:.1f} % of {total} ({100 * low:.1f} to {100 * high:.1f})"


if __name__ == "__main__":
    main()
