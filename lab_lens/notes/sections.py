"""Sections of clinical notes: header lines to a fixed vocabulary, with offsets into the text.

Headers are those that MIMIC-III discharge notes use (Title Case in four of five notes, ALL CAPS in older ones) and
the usual ones of clinic notes.
"""

import re
from dataclasses import dataclass

PREAMBLE = "preamble"


@dataclass(frozen=True)
class Section:
    """A part of a note, its header line included.

    Args:
        name: canonical snake_case name; "preamble" for what stands before the first header.
        start: offset of its first character in the note.
        end: offset after its last character; the next section starts there.
        text: the note's characters [start, end).
    """

    name: str
    start: int
    end: int
    text: str


_SPELLINGS = {
    "chief_complaint": "chief complaint|chief complaints|cc|reason for admission|reason for visit|presenting complaint",
    "history_of_present_illness": "history of present illness|history of the present illness|hpi|present illness"
    "|brief history of present illness|interval history",
    "past_medical_history": "past medical history|pmh|pmhx|medical history|past history|pmh/psh"
    "|past medical and surgical history|past medical/surgical history",
    "past_surgical_history": "past surgical history|psh|pshx|surgical history",
    "social_history": "social history|social hx|shx|sh",
    "family_history": "family history|family hx|fhx|fh|family medical history",
    "allergies": "allergies|allergy|drug allergies|allergies and adverse reactions|allergies/adverse reactions",
    "medications_on_admission": "medications on admission|admission medications|home medications|outpatient medications"
    "|medications at home|medications prior to admission|preadmission medications|meds on admission|home meds",
    "medications": "medications|medication|current medications|meds|medication list|active medications",
    "review_of_systems": "review of systems|review of symptoms|ros",
    "vital_signs": "vitals|vital signs|vitals reviewed",
    "physical_exam": "physical exam|physical examination|exam|admission physical exam|discharge physical exam|pe"
    "|physical exam on admission|physical examination on admission|physical exam on discharge|examination"
    "|physical exam on presentation|admission exam|discharge exam|admission physical examination",
    "pertinent_results": "pertinent results|results|laboratory data|laboratory results|labs|lab results"
    "|pertinent laboratory values on presentation|pertinent laboratory data|admission labs|discharge labs|imaging"
    "|laboratory studies|studies|diagnostic studies|pertinent labs|laboratories|microbiology|radiology",
    "procedure": "major surgical or invasive procedure|major surgical or invasive procedures|procedure|procedures"
    "|procedures performed|major surgical/invasive procedures|operations and procedures",
    "brief_hospital_course": "brief hospital course|hospital course|summary of hospital course"
    "|brief summary of hospital course|hospital course by systems|hospital course by system|hospital course by problem"
    "|summary of hospital course by systems|summary of hospital course by system|hospital course by issue/system"
    "|concise summary of hospital course by issue/system|concise summary of hospital course|course in hospital"
    "|history of hospital course by systems|hospital course by issue|hospital course by organ system",
    "active_issues": "active issues|acute issues|active problems",
    "transitional_issues": "transitional issues",
    "discharge_medications": "discharge medications|medications on discharge|discharge meds|medications at discharge"
    "|meds on discharge",
    "discharge_disposition": "discharge disposition|disposition",
    "discharge_diagnosis": "discharge diagnosis|discharge diagnoses|final diagnosis|final diagnoses|diagnosis|diagnoses"
    "|primary diagnosis|principal diagnosis|primary discharge diagnosis|discharge diagnosis list",
    "admission_diagnosis": "admission diagnosis|admitting diagnosis|admission diagnoses",
    "secondary_diagnosis": "secondary diagnosis|secondary diagnoses|secondary discharge diagnosis",
    "discharge_condition": "discharge condition|condition on discharge|condition at discharge|condition"
    "|discharge status",
    "discharge_instructions": "discharge instructions|instructions|patient instructions|instructions on discharge",
    "followup": "followup instructions|follow-up instructions|follow up instructions|followup|follow-up|follow up"
    "|followup plans|follow-up plans|follow up plans|recommended follow-up|discharge followup|followup appointments",
    "assessment_and_plan": "assessment and plan|assessment/plan|a/p|a and p|impression and plan|impression/plan",
    "assessment": "assessment|impression",
    "plan": "plan|plan of care|treatment plan|recommendations",
    "subjective": "subjective",
    "objective": "objective",
    "service": "service",
    "attending": "attending",
    "dictated_by": "dictated by",
}
_NAMES = {spelling: name for name, spellings in _SPELLINGS.items() for spelling in spellings.split("|")}
SECTION_NAMES = (PREAMBLE, *_SPELLINGS)

# With a colon, these are headers of clinic notes, but mere paragraph labels inside such sections of a discharge note.
_REASONING = frozenset({"assessment", "plan", "a/p", "assessment and plan", "assessment/plan", "impression"})
_LABELS_WITHIN = {
    "physical_exam": frozenset({"vitals", "vital signs"}),
    "pertinent_results": frozenset({"impression", "procedure"}),
    "brief_hospital_course": _REASONING
    | {"active issues", "acute issues", "active problems", "medications", "meds", "labs", "imaging", "studies"},
    "active_issues": _REASONING,
    "assessment_and_plan": _REASONING,
    "discharge_diagnosis": frozenset({"secondary diagnosis", "secondary diagnoses"}),
}
_LOWER_CASE_HEADERS = frozenset({"cc", "hpi", "pmh", "pmhx", "ros", "a/p"})
_SMALL_WORDS = frozenset({"a", "and", "at", "by", "for", "in", "of", "on", "or", "prior", "the", "to"})
_LINE = re.compile(
    r"^[ \t]*(?:#{1,3}[ \t]*|\d{1,2}[.)][ \t]+)?\*{0,2}"
    r"(?P<header>[A-Za-z][A-Za-z/&, -]{0,70}?)(?:[ \t]*\([^)\n]{0,40}\))?[ \t]*\*{0,2}(?P<end>:|\.{3}|[ \t]*\r?$)",
    re.MULTILINE,
)


def split_sections(text: str) -> list[Section]:
    """Split a note at its headers.

    A header stands at the start of a line. With a colon it must be capitalized (or a usual abbreviation), and text may
    follow it; without one it must fill the line, in capitals or, after a blank line, in Title Case. Unknown headers
    do not split, nor does a header of the section that is already open ("Discharge Labs" in pertinent results).

    Returns:
        Sections that partition the text in order: their texts joined are the note. A name may come back later in the
        note. Empty for an empty text.
    """
    if not text:
        return []
    starts: list[tuple[int, str]] = []
    current = PREAMBLE
    for line in _LINE.finditer(text):
        name = _header_name(line, text, current)
        if name and name != current:
            starts.append((line.start(), name))
            current = name
    if not starts or starts[0][0] > 0:
        starts.insert(0, (0, PREAMBLE))
    ends = [start for start, _ in starts[1:]] + [len(text)]
    return [Section(name, start, end, text[start:end]) for (start, name), end in zip(starts, ends, strict=True)]


def _header_name(line: re.Match[str], text: str, current: str) -> str:
    header = line["header"].strip()
    spelling = " ".join(header.lower().replace("&", " and ").split())
    name = _NAMES.get(spelling, "")
    if not name:
        return ""
    if line["end"] in {":", "..."}:
        is_written_so = header[0].isupper() or spelling in _LOWER_CASE_HEADERS
        return name if is_written_so and spelling not in _LABELS_WITHIN.get(current, ()) else ""
    is_written_so = header.isupper() or (_is_title_case(header) and _after_blank_line(text, line.start()))
    return name if is_written_so else ""


def _is_title_case(header: str) -> bool:
    return all(word[0].isupper() or word in _SMALL_WORDS for word in re.split(r"[ /&,-]+", header) if word)


def _after_blank_line(text: str, offset: int) -> bool:
    # A header line is short and so is a blank one: looking back further would make long notes slow.
    before = text[max(0, offset - 100) : offset].removesuffix("\n").removesuffix("\r")
    return not before or before.rpartition("\n")[2].strip() == ""
