"""Importance of sections: how much less likely the model's summary becomes when a section is taken away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab_lens.explain.lime_text import Likelihood
from lab_lens.explain.units import Unit, without
from lab_lens.metrics.uncertainty import Interval, cluster_bootstrap


@dataclass(frozen=True)
class NoteAblation:
    """One note's parts.

    Attributes:
        patient: whose note it is.
        drops: by part, the summary's log-likelihood with the whole note minus that without the part, in nats a summary
            token: positive where the summary rests on the part.
        never_seen: parts that lie beyond the encoder's truncation: the model cannot use them, whatever they say.
    """

    patient: str
    drops: Mapping[str, float]
    never_seen: Sequence[str] = ()


@dataclass(frozen=True)
class PartImportance:
    """One part over all notes that have it: the mean drop, and in how many notes the model never saw it.

    `drop` is None where the model saw the part in no note.
    """

    name: str
    drop: Interval | None
    never_seen: int


def ablate(text: str, units: Sequence[Unit], likelihood: Likelihood) -> dict[str, float]:
    """Take each unit away in turn: the drop in log-likelihood by label, in nats a summary token.

    Args:
        text: the note as far as the model reads it, so that nothing moves up from beyond the truncation.
        units: parts of the note.
        likelihood: of the model's own summary; called once.
    """
    scores = likelihood([text, *(without(text, [unit]) for unit in units)])
    return {unit.label: float(scores[0] - score) for unit, score in zip(units, scores[1:], strict=True)}


def part_importance(
    notes: Sequence[NoteAblation], *, resamples: int, confidence: float, seed: int
) -> list[PartImportance]:
    """Average the drops of each part over the notes that have it, with intervals over patients.

    Returns:
        Parts by falling mean drop; those that were never seen come last.
    """
    names = sorted({name for note in notes for name in (*note.drops, *note.never_seen)})
    parts = [_importance(name, notes, resamples=resamples, confidence=confidence, seed=seed) for name in names]
    return sorted(parts, key=lambda part: (part.drop is None, -part.drop.estimate if part.drop else 0.0))


def _importance(
    name: str, notes: Sequence[NoteAblation], *, resamples: int, confidence: float, seed: int
) -> PartImportance:
    having = [note for note in notes if name in note.drops]
    drop = None
    if having:
        values, patients = [note.drops[name] for note in having], [note.patient for note in having]
        drop = cluster_bootstrap(values, patients, resamples=resamples, confidence=confidence, seed=seed)
    return PartImportance(name, drop, sum(name in note.never_seen for note in notes))
