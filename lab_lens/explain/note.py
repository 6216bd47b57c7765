"""One note explained: which of its sentences and sections the model's summary rests on, and what was never read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lab_lens.explain.ablation import NoteAblation, ablate
from lab_lens.explain.lime_text import PERTURBATIONS_PER_UNIT, Likelihood, LimeExplanation, explain_units
from lab_lens.explain.units import Unit, section_units, sentence_units, third_units

PartKind = Literal["sections", "thirds"]


@dataclass(frozen=True)
class Note:
    """A note and how far the model reads it.

    Attributes:
        row: its row in the test file, counted from 1.
        patient: whose note it is.
        text: the whole note.
        seen_chars: characters that survive the encoder's truncation.
    """

    row: int
    patient: str
    text: str
    seen_chars: int

    @property
    def seen_text(self) -> str:
        """What the model reads. Parts are removed from this, so that nothing moves up from beyond the truncation."""
        return self.text[: self.seen_chars]


@dataclass(frozen=True)
class ExplainedNote:
    """A note's explanation; `lime` is None, with the reason in words, where there was nothing to rank."""

    note: Note
    lime: LimeExplanation | None
    reason: str
    ablation: NoteAblation


def part_kind(notes: Sequence[Note]) -> PartKind:
    """Sections, or thirds of the note where no header was recognized in any note."""
    return "sections" if any(any(section_units(note.text, note.seen_chars)) for note in notes) else "thirds"


def explain_note(note: Note, likelihood: Likelihood, kind: PartKind, *, perturbations: int, seed: int) -> ExplainedNote:
    """Run the model again on the note without some of its sentences (LIME), and without each of its parts in turn.

    Args:
        note: not blank as far as the model reads it.
        likelihood: of the model's summary of this note.
        kind: the parts to take away.
        perturbations: scored texts for LIME.
        seed: of the perturbations.
    """
    units = sentence_units(note.text, note.seen_chars, perturbations // PERTURBATIONS_PER_UNIT)
    lime = None
    if len(units) >= 2:
        lime = explain_units(note.seen_text, units, likelihood, perturbations=perturbations, seed=seed)
    parts, never_seen = _parts(note, kind)
    drops = ablate(note.seen_text, parts, likelihood) if parts else {}
    reason = "" if lime else "the model reads one sentence of this note, so nothing can be ranked"
    return ExplainedNote(note, lime, reason, NoteAblation(note.patient, drops, never_seen))


def _parts(note: Note, kind: PartKind) -> tuple[list[Unit], list[str]]:
    if kind == "thirds":
        return third_units(note.seen_text), []
    return section_units(note.text, note.seen_chars)


def explained_json(explained: ExplainedNote) -> dict[str, Any]:
    """The explanation as the report holds it: offsets and numbers, no text."""
    note, lime = explained.note, explained.lime
    return {
        "row": note.row,
        "note_chars": len(note.text),
        "seen_chars": note.seen_chars,
        "r2": lime.r2 if lime else None,
        "reason": explained.reason,
        "units": [
            {"label": unit.label, "spans": [[span.start, span.end] for span in unit.spans], "weight": weight}
            for unit, weight in (zip(lime.units, lime.weights, strict=True) if lime else ())
        ],
        "part_drops": dict(explained.ablation.drops),
        "parts_never_seen": list(explained.ablation.never_seen),
    }
