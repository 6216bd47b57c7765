"""The reference summary of a full note: 50 to 90 words that say who, why, what was found, done and changed."""

from collections.abc import Sequence
from random import Random

from lab_lens.notes.synthesis.model import Admission, Change, Event
from lab_lens.notes.synthesis.selection import common_facts, lowered, procedure_and_complications, reworded
from lab_lens.notes.synthesis.wording import capitalized, fill, listed

_WHO_AND_WHY = (
    "{age}-year-old {man} with {pmh} [admitted with|who presented with] {presenting} and found to have {diagnosis}.",
    "{diagnosis_title} in a {age}-year-old {man} with {pmh} who came in with {presenting}.",
    "This {age}-year-old {man}[, whose history includes {pmh},| with a background of {pmh}] "
    "was hospitalized for {diagnosis} after [presenting with |]{presenting}.",
    "Patient is a {age}-year-old {man} ({pmh}) admitted for {diagnosis}; presenting complaint was {presenting}.",
    "{presenting_title} [led to admission of|brought in] this {age}-year-old {man}; the diagnosis was {diagnosis}. "
    "[Past history: {pmh}.|Known for {pmh}.|]",
    "Admission for {diagnosis}. {He} is {age}, has {pmh}, and had {presenting}.",
    "Reason for hospitalization: {diagnosis}, presenting as {presenting} in a {man} aged {age}[ with {pmh}|].",
)
_FINDINGS = (
    "{labs_title} on arrival; {study} [showed|demonstrated] {finding}.",
    "Work-up [was notable for|showed] {labs}, and {study} [showed|revealed] {finding}.",
    "{study_title} [revealed|showed] {finding}, with {labs}.",
    "Key findings: {finding} on {study}; {labs}.",
    "{labs_title}. {study_title}: {finding}.",
)
_LABS_ONLY = ("[Initial|Presenting] labs [showed|included] {labs}.", "On arrival {labs}.", "{labs_title} in the ED.")
_TREATMENT = (
    "{He} was treated with {treatment}{and_procedure}.",
    "Treatment [was|consisted of] {treatment}{and_procedure}.",
    "{He} [received|was given] {treatment}{then_procedure}.",
    "Managed with {treatment}{and_procedure}[, with improvement|].",
    "Therapy: {treatment}{and_procedure}.",
    "{He} improved [on|with] {treatment}{and_procedure}.",
)
_COMPLICATIONS = (
    "The [course|stay] was complicated by {complications}.",
    "Complications: {complications}.",
    "{complications_title} also occurred[ during the stay|].",
    "Hospital problems included {complications}.",
)
_NO_COMPLICATION = ("There were no complications.", "The course was uncomplicated.", "Recovery was uneventful.")
_CHANGES = (
    "Medication changes: {changes}.",
    "At discharge, {changes}.",
    "New regimen: {changes}.",
    "{changes_title}.",
    "Home medications: {changes}.",
)
_LEAVING = (
    "Discharged {place} with {clinic} follow-up in {weeks}.",
    "{He} [went|was discharged] {place} and will be seen in {clinic} clinic in {weeks}.",
    "Follow-up is with {clinic} in {weeks} after discharge {place}.",
    "Disposition: {place}; {clinic} clinic in {weeks}.",
    "{clinic} clinic will see {him} in {weeks}; {he} was discharged {place}.",
    "Sent {place}, {clinic} appointment in {weeks}.",
)
_MOST_STARTED = 3


def full_summary(admission: Admission, rng: Random) -> str:
    """Three to six sentences; what is told, and how, depends on what happened and varies between authors."""
    facts = _facts(admission, rng)
    evidence_and_treatment = [rng.choice(_findings(admission, rng)), rng.choice(_TREATMENT)]
    if rng.random() < 0.2:
        evidence_and_treatment.reverse()
    texts = [rng.choice(_WHO_AND_WHY), *evidence_and_treatment]
    if facts["complications"]:
        texts.append(rng.choice(_COMPLICATIONS))
    elif rng.random() < 0.2:
        texts.append(rng.choice(_NO_COMPLICATION))
    closing = [rng.choice(_CHANGES) if admission.changes else "No medications were changed.", rng.choice(_LEAVING)]
    texts += closing if rng.random() < 0.6 else closing[::-1]
    return " ".join(reworded(fill(text, facts, rng)) for text in texts)


def _findings(admission: Admission, rng: Random) -> Sequence[str]:
    """Labs with the main study; a study that showed nothing is told by some authors only."""
    telling = not admission.facts["finding"].startswith("no ") or rng.random() < 0.3
    return _FINDINGS if telling else _LABS_ONLY


def _facts(admission: Admission, rng: Random) -> dict[str, str]:
    procedure, complications = procedure_and_complications(admission)
    labs = [f"{item.test} {item.first}" for item in admission.findings[: rng.randint(1, 2)]]
    told = {
        "labs": listed(labs),
        "study": lowered(admission.facts["study"]),
        "study_title": admission.facts["study"],
        "and_procedure": _procedure(" and ", procedure),
        "then_procedure": _procedure(" followed by ", procedure),
        "complications": listed([event.name.format_map(admission.facts) for event in complications]),
        "changes": _changes(admission.changes, rng),
    }
    told |= {f"{name}_title": capitalized(told[name]) for name in ("labs", "complications", "changes")}
    return common_facts(admission, rng.randint(2, 3)) | told


def _procedure(joint: str, procedure: Event | None) -> str:
    return f"{joint}{procedure.name}" if procedure else ""


def _changes(changes: Sequence[Change], rng: Random) -> str:
    """Started drugs with dose and frequency, altered ones with both doses, stopped ones by name."""
    verb = rng.choice(("started", "began", "added"))
    told = {
        "started": [item.medication.order for item in changes if item.kind == "started"],
        "altered": [
            f"{item.medication.drug.name} {item.kind} from {item.old} to {item.new}" for item in changes if item.old
        ],
        "stopped": [item.medication.drug.name for item in changes if item.kind == "stopped"],
    }
    parts = [f"{verb} {listed(told['started'][:_MOST_STARTED])}"] if told["started"] else []
    parts += told["altered"][:2]
    if told["stopped"]:
        parts.append(f"{rng.choice(('stopped', 'discontinued'))} {listed(told['stopped'][:3])}")
    return "; ".join(parts)
