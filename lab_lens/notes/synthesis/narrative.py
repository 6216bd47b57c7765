"""How a full note tells a scenario: templates for the history, the examination, the course and the advice."""

from dataclasses import dataclass, field

Range = tuple[float, float]


@dataclass(frozen=True)
class Vitals:
    """Ranges at presentation: Fahrenheit, beats a minute, systolic mmHg, breaths a minute, saturation in %."""

    temperature: Range = (97.4, 99.0)
    heart_rate: Range = (66, 96)
    systolic: Range = (112, 148)
    respirations: Range = (14, 19)
    saturation: Range = (95, 99)
    air: str = "RA"


STABLE = Vitals()
FEBRILE = Vitals((100.6, 103.1), (94, 122), (102, 138), (18, 24), (94, 98))
SEPTIC = Vitals((101.0, 103.8), (108, 136), (82, 102), (20, 28), (93, 97))
HYPOXIC = Vitals((97.6, 99.4), (92, 118), (118, 158), (24, 32), (84, 90))
PNEUMONIC = Vitals((100.8, 103.0), (98, 124), (102, 140), (22, 30), (86, 92))
TACHYCARDIC = Vitals((97.8, 99.2), (122, 168), (98, 138), (16, 22), (94, 98))
BRADYCARDIC = Vitals((97.2, 98.4), (30, 42), (92, 138), (14, 18), (95, 99))
HYPERTENSIVE = Vitals((97.8, 98.8), (76, 102), (164, 188), (16, 20), (95, 99))
HYPOTENSIVE = Vitals((97.0, 98.8), (102, 128), (78, 96), (16, 22), (95, 99))
IN_PAIN = Vitals((97.8, 99.6), (88, 112), (128, 164), (16, 22), (96, 99))


@dataclass(frozen=True)
class Narrative:
    """The prose of one scenario.

    Attributes:
        story: sentences that follow the opening of the history.
        exam: findings that differ from normal, by system of the examination.
        course: sentences on the main problem; they name {treatment}.
        advice: what the patient is told; `warning` completes "Please call or return if you have ...".
    """

    story: tuple[str, ...]
    course: tuple[str, ...]
    advice: str
    warning: str
    vitals: Vitals = STABLE
    exam: dict[str, str] = field(default_factory=dict)
