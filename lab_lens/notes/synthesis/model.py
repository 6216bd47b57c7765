"""The vocabulary of synthetic patients: drugs, conditions, scenarios, and the structured admission that is told.

Texts of a scenario are templates: `{slot}` takes a fact of this admission, `[a|b]` one of several wordings.
Drugs are ordered as "name dose", for example "furosemide 40 mg"; the lexicon knows route and frequency.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

ChangeKind = Literal["started", "stopped", "increased", "decreased"]
Gender = Literal["F", "M"]
Alternatives = tuple[str, ...]


@dataclass(frozen=True)
class Drug:
    """One drug of the lexicon.

    Attributes:
        group: drugs of one group are never given together.
        doses: strengths that are prescribed, ascending.
        conflicts: conditions, or groups of drugs, with which this drug is not given.
        allergens: allergies that forbid the drug.
    """

    name: str
    group: str
    doses: Alternatives
    frequency: str = "daily"
    route: str = "PO"
    form: str = "Tablet"
    conflicts: tuple[str, ...] = ()
    allergens: tuple[str, ...] = ()


@dataclass(frozen=True)
class Medication:
    """A drug as one patient takes it; `days` is above 0 for a course that ends."""

    drug: Drug
    dose: str
    frequency: str
    days: int = 0

    @property
    def name_and_dose(self) -> str:
        """For example 'furosemide 40 mg'."""
        return f"{self.drug.name} {self.dose}"

    @property
    def course(self) -> str:
        """' for 5 days' for a course that ends, else empty."""
        return f" for {self.days} days" if self.days else ""

    @property
    def order(self) -> str:
        """Name, dose, frequency and course, for example 'furosemide 40 mg daily'."""
        return f"{self.name_and_dose} {self.frequency}{self.course}"


@dataclass(frozen=True)
class Change:
    """A difference between the medications at admission and at discharge.

    Attributes:
        medication: as it is taken from now on, or was taken where it is stopped.
        old: the earlier dose of a changed one.
        reason: "because of ...", or empty.
    """

    kind: ChangeKind
    medication: Medication
    old: str = ""
    reason: str = ""

    @property
    def new(self) -> str:
        """The new dose, with its frequency where that is what changed."""
        dose = self.medication.dose
        return dose if len(self.old.split()) <= len(dose.split()) else f"{dose} {self.medication.frequency}"


@dataclass(frozen=True)
class Allergy:
    """An allergy as the note lists it, and the allergen that the lexicon's drugs carry."""

    allergen: str
    listed: str
    reactions: Alternatives
    weight: float = 1.0


@dataclass(frozen=True)
class Condition:
    """A chronic condition.

    Attributes:
        prevalence: probability below 45 years, from 45 to 64, and from 65 on.
        drugs: for each group of alternatives, one is taken by those who can take it.
        excludes: conditions that cannot stand beside this one.
    """

    name: str
    short: str
    prevalence: tuple[float, float, float] = (0.0, 0.0, 0.0)
    drugs: tuple[Alternatives, ...] = ()
    sex: Gender | None = None
    excludes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Span:
    """Whole or decimal numbers from `low` to `high`."""

    low: float
    high: float
    decimals: int = 0


@dataclass(frozen=True)
class LabFinding:
    """A laboratory value that belongs to a scenario: its range at presentation and before discharge."""

    test: str
    at_admission: tuple[float, float]
    at_discharge: tuple[float, float]


@dataclass(frozen=True)
class Start:
    """A medication that is begun: the first alternative that this patient can take.

    Attributes:
        days: shortest and longest course; (0, 0) for a drug that goes on.
        replaces: a home drug of the same group is stopped for it; otherwise that drug is kept and nothing starts.
    """

    orders: Alternatives
    days: tuple[int, int] = (0, 0)
    replaces: bool = False
    chance: float = 1.0


@dataclass(frozen=True)
class Stop:
    """Home medications of these groups (or of these names) that are stopped, and why."""

    groups: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Adjust:
    """Home medications of this group whose dose goes one step up (+1) or down (-1), and why."""

    group: str
    step: Literal[1, -1]
    reason: str


@dataclass(frozen=True)
class Plan:
    """One way to treat a scenario: what is given in hospital, and what the patient goes home with."""

    treatment: str
    starts: tuple[Start, ...] = ()


@dataclass(frozen=True)
class Event:
    """Something that happens in hospital to some: a complication or a procedure.

    Attributes:
        name: as the summary and the list of diagnoses name it.
        course: sentences for the hospital course, each a template.
        procedure: the line under 'Major Surgical or Invasive Procedure', or empty.
    """

    name: str
    course: Alternatives
    chance: float = 1.0
    procedure: str = ""
    starts: tuple[Start, ...] = ()
    stops: tuple[Stop, ...] = ()
    labs: tuple[LabFinding, ...] = ()


@dataclass(frozen=True)
class Scenario:
    """A reason to be in hospital with everything that follows from it.

    Attributes:
        diagnosis: template of the main diagnosis; `label` names it in the history of a later admission.
        presenting: alternatives of the complaint in a few words, as they stand in "presented with ...".
        slots: facts to draw; a name with slashes draws several facts that belong together, from values with slashes.
        onset: unit of time and its range, for example ("days", 2, 5) or ("hours ago", 1, 6); an empty unit for
            elective admissions.
        imaging: pairs of study and finding, the most telling first.
        labs: values that belong to the scenario, the most telling first.
        likely: conditions that many of these patients have; `required` ones they all have.
        precipitants: drugs that some of these patients took at home, with a probability.
        stay_days: shortest and longest stay.
    """

    key: str
    service: str
    diagnosis: str
    label: str
    complaint: Alternatives
    presenting: Alternatives
    onset: tuple[str, int, int]
    denies: Alternatives
    labs: tuple[LabFinding, ...]
    imaging: tuple[tuple[str, str], ...]
    plans: tuple[Plan, ...]
    clinics: Alternatives
    slots: dict[str, Alternatives | Span] = field(default_factory=dict)
    procedure: Event | None = None
    complications: tuple[Event, ...] = ()
    stops: tuple[Stop, ...] = ()
    adjusts: tuple[Adjust, ...] = ()
    precipitants: tuple[tuple[str, float], ...] = ()
    required: tuple[str, ...] = ()
    likely: tuple[str, ...] = ()
    unlikely: tuple[str, ...] = ()
    dispositions: tuple[tuple[str, float], ...] = (("Home", 0.7), ("Home With Service", 0.3))
    ages: tuple[int, int] = (18, 95)
    sex: Gender | None = None
    weight: float = 1.0
    stay_days: tuple[int, int] = (3, 7)
    elective: bool = False
    recurs: bool = False


@dataclass(frozen=True)
class LabResult:
    """One value at presentation and one before discharge, as text with the test's own decimals."""

    test: str
    first: str
    last: str


@dataclass(frozen=True)
class Patient:
    """Who is admitted; `name` is de-identified."""

    subject_id: str
    name: str
    gender: Gender
    ethnicity: str
    insurance: str
    allergy: Allergy | None
    reaction: str
    birth: date
    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Admission:
    """One stay, fully decided before it is written.

    Attributes:
        age: in years at admission.
        facts: values of every slot that templates may name.
        findings: labs that belong to the scenario; `earlier` names diagnoses of earlier stays with their dates.
    """

    patient: Patient
    hadm_id: str
    scenario: Scenario
    age: int
    admitted: date
    discharged: date
    admission_type: str
    facts: dict[str, str]
    conditions: tuple[Condition, ...]
    earlier: tuple[tuple[str, date], ...]
    findings: tuple[LabResult, ...]
    treatment: str
    events: tuple[Event, ...]
    home: tuple[Medication, ...]
    discharge: tuple[Medication, ...]
    changes: tuple[Change, ...]
    disposition: str
    clinic: str
    follow_up_weeks: int
