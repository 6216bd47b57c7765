"""The look of a note: headers in today's or the older ALL-CAPS style, de-identification marks, wrapped lines."""

import textwrap
from dataclasses import dataclass
from datetime import date
from random import Random

from lab_lens.notes.synthesis.wording import day_text

_OLD_STYLE = 0.2
_OLD_HEADERS = {
    "Major Surgical or Invasive Procedure": ("PROCEDURES",),
    "History of Present Illness": ("HISTORY OF PRESENT ILLNESS", "HISTORY OF THE PRESENT ILLNESS"),
    "Physical Exam": ("PHYSICAL EXAMINATION", "PHYSICAL EXAMINATION ON ADMISSION"),
    "Pertinent Results": ("LABORATORY DATA", "PERTINENT LABORATORY VALUES ON PRESENTATION"),
    "Brief Hospital Course": ("HOSPITAL COURSE", "SUMMARY OF HOSPITAL COURSE"),
    "Medications on Admission": ("MEDICATIONS ON ADMISSION", "ADMISSION MEDICATIONS"),
    "Discharge Medications": ("DISCHARGE MEDICATIONS", "MEDICATIONS ON DISCHARGE"),
    "Discharge Disposition": ("DISPOSITION", "DISCHARGE DISPOSITION"),
    "Discharge Diagnosis": ("DISCHARGE DIAGNOSES", "DISCHARGE DIAGNOSIS"),
    "Discharge Condition": ("CONDITION ON DISCHARGE", "CONDITION AT DISCHARGE"),
    "Followup Instructions": ("FOLLOW-UP", "FOLLOW-UP PLANS"),
}
_ON_THE_HEADERS_LINE = {"Attending"}


@dataclass(frozen=True)
class Style:
    """How one author writes: header case, line width in characters, whether conditions are abbreviated and medications
    written out as prescriptions (sig), and which of several spellings of a header is used."""

    old: bool
    width: int
    abbreviates: bool
    sig: bool
    variant: int

    def header(self, name: str) -> str:
        """The header of a section, with its colon."""
        spellings = _OLD_HEADERS.get(name, (name.upper(),))
        return f"{spellings[self.variant % len(spellings)]}:" if self.old else f"{name}:"

    def section(self, name: str, body: str) -> str:
        """A section: in the older style a short one stands on its header's own line."""
        if name in _ON_THE_HEADERS_LINE:
            return f"{self.header(name)}{body}"
        return f"{self.header(name)}  {body}" if self.old and "\n" not in body else f"{self.header(name)}\n{body}"

    def paragraph(self, text: str) -> str:
        """Wrapped as MIMIC's notes are; a mark of de-identification may be broken, a number never."""
        return textwrap.fill(text, self.width, break_on_hyphens=False, break_long_words=False)


def sample_style(rng: Random) -> Style:
    """An author's style; about one note in five is in the older one."""
    old = rng.random() < _OLD_STYLE
    return Style(old, rng.randint(66, 80), rng.random() < 0.5, not old and rng.random() < 0.6, rng.randrange(2))


def day_mark(day: date) -> str:
    """'[**2151-7-16**]'."""
    return f"[**{day_text(day)}**]"


def short_day_mark(day: date) -> str:
    """'[**7-16**]', as dates stand inside the text."""
    return f"[**{day.month}-{day.day}**]"


def doctor(rng: Random) -> str:
    """A physician's name as it is de-identified."""
    number = rng.randint(1, 3900)
    return rng.choice(
        (f"Dr. [**Last Name (STitle) {number}**]", f"Dr. [**First Name (STitle) **] [**Doctor Last Name {number}**]")
    )
