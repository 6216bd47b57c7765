"""Laboratory lines, imaging and other studies of a full note."""

from datetime import date, timedelta
from random import Random

from lab_lens.notes.synthesis.laboratory import TESTS, anion_gap
from lab_lens.notes.synthesis.layout import Style, day_mark, short_day_mark
from lab_lens.notes.synthesis.model import Admission
from lab_lens.notes.synthesis.wording import fill, listed, sentence

_COUNT = ("WBC", "hemoglobin", "platelets")
_CHEMISTRY = ("glucose", "BUN", "creatinine", "sodium", "potassium", "bicarbonate")
_MINERALS = ("calcium", "magnesium", "phosphate")
_LIVER = ("ALT", "AST", "alkaline phosphatase", "total bilirubin")
# What chronic disease does to values that the reason for admission leaves alone.
_SHIFTED: dict[str, dict[str, tuple[float, float]]] = {
    "chronic kidney disease stage 3": {"creatinine": (1.4, 2.0), "BUN": (26, 42)},
    "end-stage renal disease": {"creatinine": (4.6, 8.0), "BUN": (40, 70)},
    "type 2 diabetes mellitus": {"glucose": (138, 236)},
    "type 1 diabetes mellitus": {"glucose": (138, 236)},
    "cirrhosis": {"platelets": (62, 118), "INR": (1.3, 1.7), "sodium": (130, 136)},
    "iron deficiency anemia": {"hemoglobin": (9.2, 11.2)},
    "sickle cell disease": {"hemoglobin": (7.0, 9.0)},
    "acute myeloid leukemia": {"hemoglobin": (7.6, 9.4), "platelets": (38, 96)},
    "chronic obstructive pulmonary disease": {"bicarbonate": (26, 33)},
}
_UNREMARKABLE = (
    "URINE CULTURE (Final {day}): NO GROWTH.",
    "MRSA SCREEN (Final {day}): No MRSA isolated.",
    "ECG: sinus rhythm, no acute ischemic changes.",
    "URINALYSIS: negative for nitrites, leukocytes and blood.",
)
_NO_ECG = {"CARDIOLOGY", "CARDIOTHORACIC"}


def pertinent_results(admission: Admission, style: Style, rng: Random) -> str:
    """Values at presentation and before discharge, then studies; values outside the reference range carry '*'."""
    first = _values(admission, rng, {item.test: float(item.first) for item in admission.findings})
    last = _values(admission, rng, {item.test: float(item.last) for item in admission.findings}, before=first)
    studies = [*_imaging(admission, style, rng), *_irrelevant(admission, rng)]
    if style.old:
        labs = [_dictated(first, "on admission"), _dictated(last, "at discharge")]
        return "\n".join(style.paragraph(text) for text in [*labs, *studies])
    lines = [*_charted(first | _screening(admission, rng), admission.admitted, rng), ""]
    if (admission.discharged - admission.admitted).days > 2 and rng.random() < 0.6:
        lines += [*_charted(_between(first, last, rng), admission.admitted + timedelta(days=2), rng), ""]
    lines += [*_charted(last, admission.discharged, rng), ""]
    return "\n".join(style.paragraph(text) for text in [*lines, *studies])


def _values(
    admission: Admission, rng: Random, known: dict[str, float], before: dict[str, float] | None = None
) -> dict[str, float]:
    """Known values, and for the rest of the panels normal ones, shifted by chronic disease; little moves in days."""
    shifted: dict[str, tuple[float, float]] = {}
    for condition in admission.conditions:
        shifted |= _SHIFTED.get(condition.name, {})
    values = dict(known)
    for name in (*_COUNT, *_CHEMISTRY, *(("INR",) if "INR" in shifted else ())):
        if name in known:
            continue
        fresh = rng.uniform(*shifted[name]) if name in shifted else TESTS[name].normal(rng)
        values[name] = before[name] * rng.uniform(0.97, 1.03) if before else fresh
    if "creatinine" in known and "BUN" not in known and before is None:
        values["BUN"] = max(values["BUN"], 14 * min(known["creatinine"], 5.0))
    if any(item.drug.name == "warfarin" for item in admission.home) and "INR" not in known:
        values["INR"] = before["INR"] if before else rng.uniform(2.0, 2.9)
    return values


def _between(first: dict[str, float], last: dict[str, float], rng: Random) -> dict[str, float]:
    """Values on the way from the first to the last; most authors leave out what was measured once."""
    share = rng.uniform(0.3, 0.8)
    return {name: first[name] + share * (last[name] - first[name]) for name in (*_COUNT, *_CHEMISTRY)}


def _screening(admission: Admission, rng: Random) -> dict[str, float]:
    """Panels that are sent at presentation and turn out normal."""
    told = {item.test for item in admission.findings}
    liver = {"cirrhosis", "alcohol use disorder", "hepatitis C"} & {item.name for item in admission.conditions}
    panels = [_MINERALS] if liver or told & set(_LIVER) else [_MINERALS, _LIVER]
    names = [name for panel in panels if rng.random() < 0.6 for name in panel if name not in told]
    return {name: TESTS[name].normal(rng) for name in names}


def _charted(values: dict[str, float], day: date, rng: Random) -> list[str]:
    stamp = f"{day_mark(day)} {rng.randint(1, 11):02d}:{5 * rng.randint(0, 11):02d}{rng.choice(('AM', 'PM'))} BLOOD"
    rest = [name for name in values if name not in (*_COUNT, *_CHEMISTRY)]
    lines = [_blood_count(values, rng), _chemistry(values)]
    lines += [" ".join(_flagged(name, values[name]) for name in rest)] if rest else []
    return [f"{stamp} {line}" for line in lines]


def _flagged(name: str, value: float) -> str:
    test = TESTS[name]
    return f"{test.chart}-{test.text(value)}{test.flag(value)}"


def _blood_count(values: dict[str, float], rng: Random) -> str:
    """Hematocrit and red cells that fit the hemoglobin, as on a real counter."""
    hematocrit = values["hemoglobin"] * rng.uniform(2.9, 3.1)
    volume = rng.randint(84, 96)
    white, hemoglobin, platelets = (_flagged(name, values[name]) for name in _COUNT)
    red = f"RBC-{10 * hematocrit / volume:.2f}"
    return f"{white} {red} {hemoglobin} Hct-{hematocrit:.1f} MCV-{volume} {platelets}"


def _chemistry(values: dict[str, float]) -> str:
    """Chloride follows from the anion gap, which this lab computes with potassium."""
    gap = anion_gap(round(values["bicarbonate"]))
    chloride = values["sodium"] + values["potassium"] - values["bicarbonate"] - gap
    shown = " ".join(_flagged(name, values[name]) for name in _CHEMISTRY)
    return f"{shown} Cl-{chloride:.0f} AnGap-{gap:.0f}"


def _dictated(values: dict[str, float], when: str) -> str:
    shown = [f"{name} {TESTS[name].text(value)}" for name, value in values.items()]
    return sentence(f"Laboratory data {when}: {listed(shown)}")


def _imaging(admission: Admission, style: Style, rng: Random) -> list[str]:
    texts = []
    for study, finding in admission.scenario.imaging:
        found = fill(finding, admission.facts, rng)
        day = short_day_mark(admission.admitted)
        closing = rng.choice(("", " No other acute abnormality.", " Otherwise unremarkable."))
        texts.append(f"{study.upper() if not style.old else study} ({day}): {sentence(found)}{closing}")
    return texts


def _irrelevant(admission: Admission, rng: Random) -> list[str]:
    ecg_told = admission.scenario.service in _NO_ECG or any(study == "ECG" for study, _ in admission.scenario.imaging)
    possible = [text for text in _UNREMARKABLE if not (ecg_told and text.startswith("ECG"))]
    if admission.scenario.key in _URINE_TOLD or "urinary" in " ".join(event.name for event in admission.events):
        possible = [text for text in possible if not text.startswith("URIN")]
    return [text.format(day=short_day_mark(admission.discharged)) for text in rng.sample(possible, rng.randint(0, 2))]


_URINE_TOLD = {"urosepsis", "obstructing_stone", "prostate_resection"}
