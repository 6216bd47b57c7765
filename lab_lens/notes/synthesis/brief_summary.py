"""The reference summary of a brief note: about 30 to 60 words that select and rephrase, in several house styles."""

from random import Random

from lab_lens.notes.synthesis.model import Admission, Change
from lab_lens.notes.synthesis.scenarios import SCENARIOS
from lab_lens.notes.synthesis.selection import common_facts, procedure_and_complications, reworded
from lab_lens.notes.synthesis.wording import capitalized, fill, listed

# A summary's style follows from the reason for admission, as it does between the services of a hospital. So the wording
# varies between patients, yet a model can know from the note which wording is wanted.
_STYLES = (
    "{age} year old {man} with {pmh} admitted with {presenting}. {study} showed {finding}. "
    "Treated for {diagnosis} with {done}. {changes}. Discharged {place}, {clinic} in {weeks}.",
    "{diagnosis_title} in a {age} year old {man} with {pmh}; {evidence}. "
    "Received {done}. On discharge {changes_lower}. Went {place}; {clinic} clinic follows in {weeks}.",
    "Presenting with {presenting}, this {man} of {age} had {diagnosis} ({evidence}). "
    "Background: {pmh}. Management was {done}. {changes}. To see {clinic} within {weeks}, now {place}.",
    "{man_title}, {age}, hospitalized for {diagnosis} after {presenting}. Initial {evidence}. "
    "Course: {done}. Medication changes: {changes_lower}. {clinic} follow-up {weeks}; disposition {place}.",
    "Reason for stay: {diagnosis}. {evidence_title} in this {age} year old {man}, known for {pmh}. "
    "Treatment: {done}; {changes_lower}. Returned {place}. Next visit {clinic}, {weeks}.",
    "{presenting_title} brought in this {age} year old {man}. {study}: {finding}, consistent with {diagnosis}. "
    "{He} got {done}. {changes}. Sent {place}; appointment with {clinic} in {weeks}.",
)


def brief_summary(admission: Admission, rng: Random) -> str:
    """Who, why, what was found and done, which medications changed, where to, and who follows."""
    style = _STYLES[SCENARIOS.index(admission.scenario) % len(_STYLES)]
    return reworded(fill(style, _facts(admission), rng))


def _facts(admission: Admission) -> dict[str, str]:
    procedure, complications = procedure_and_complications(admission)
    done = admission.treatment
    done += f" and {procedure.name}" if procedure else ""
    done += f", complicated by {complications[0].name}" if complications else ""
    changes = listed(_changes(admission.changes)[: 1 if complications else 2]) or "no medication changes"
    told = {"done": done, "changes": capitalized(changes), "changes_lower": changes}
    return common_facts(admission, conditions=2) | told


def _changes(changes: tuple[Change, ...]) -> list[str]:
    """One change of each kind, altered doses first."""
    altered = [f"{item.medication.drug.name} {item.kind} to {item.new}" for item in changes if item.old][:1]
    begun = [f"started {item.medication.name_and_dose}" for item in changes if item.kind == "started"][:1]
    stopped = [f"stopped {item.medication.drug.name}" for item in changes if item.kind == "stopped"][:1]
    return altered + begun + stopped
