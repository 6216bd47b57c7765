"""What a value or a usual phrase says without naming it: a potassium of 2.8 is hypokalemia, clear lungs do not wheeze.

Bounds are the usual adult ones (reference ranges of MIMIC's laboratory, and the definitions of fever, hypotension and
the like in common use), taken at their weak side: they only keep a true statement from being called unsupported.
"""

from collections.abc import Iterable

from lab_lens.metrics.facts.types import Fact

# concept -> (test, bound): any value beyond the bound supports it.
_ABOVE: dict[str, tuple[tuple[str, float], ...]] = {
    "hyperkalemia": (("potassium", 5.0),),
    "hypernatremia": (("sodium", 145.0),),
    "hyperglycemia": (("glucose", 140.0),),
    "hypercalcemia": (("calcium", 10.3),),
    "hypermagnesemia": (("magnesium", 2.5),),
    "hyperphosphatemia": (("phosphate", 4.5),),
    "hyperbilirubinemia": (("bilirubin", 1.2),),
    "leukocytosis": (("white blood cells", 10.5),),
    "thrombocytosis": (("platelets", 400.0),),
    "acute kidney injury": (("creatinine", 1.3),),
    "chronic kidney disease": (("creatinine", 1.3),),
    "lactic acidosis": (("lactate", 2.0),),
    "metabolic acidosis": (("lactate", 3.9),),
    "diabetes": (("hemoglobin a1c", 6.4),),
    "hyperlipidemia": (("ldl", 129.0), ("cholesterol", 199.0)),
    "hypertriglyceridemia": (("triglycerides", 149.0),),
    "hypertension": (("blood pressure", 139.0),),
    "tachycardia": (("heart rate", 99.0),),
    "tachypnea": (("respiratory rate", 20.0),),
    "obesity": (("bmi", 29.9),),
    "coagulopathy": (("inr", 1.4),),
    "hypothyroidism": (("tsh", 4.5),),
    "rhabdomyolysis": (("creatine kinase", 999.0),),
}
_BELOW: dict[str, tuple[tuple[str, float], ...]] = {
    "hypokalemia": (("potassium", 3.5),),
    "hyponatremia": (("sodium", 135.0),),
    "hypoglycemia": (("glucose", 70.0),),
    "hypocalcemia": (("calcium", 8.6),),
    "hypomagnesemia": (("magnesium", 1.7),),
    "hypophosphatemia": (("phosphate", 2.7),),
    "hypoalbuminemia": (("albumin", 3.5),),
    "anemia": (("hemoglobin", 13.0), ("hematocrit", 39.0)),
    "thrombocytopenia": (("platelets", 150.0),),
    "leukopenia": (("white blood cells", 4.0),),
    "neutropenia": (("neutrophils", 1500.0),),
    "hypotension": (("blood pressure", 95.0),),
    "bradycardia": (("heart rate", 60.0),),
    "hypoxia": (("oxygen saturation", 93.0),),
    "metabolic acidosis": (("ph", 7.35), ("bicarbonate", 20.0)),
    "hyperthyroidism": (("tsh", 0.4),),
}
_FEVER_F, _FEVER_C, _LOWEST_F = 100.3, 37.9, 60.0
# concept -> phrases (normalized words) that deny it.
_NORMAL: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("wheezing", "crackles", "rhonchi"),
        ("lung clear", "clear to auscultation", "ctab", "cta", "lung sound clear", "lung are clear", "clear lung"),
    ),
    **dict.fromkeys(
        ("murmur", "gallop", "rub"),
        (
            "regular rate and rhythm",
            "rrr",
            "normal rate and rhythm",
            "heart sound normal",
            "heart sound great",
            "normal heart sound",
        ),
    ),
    **dict.fromkeys(
        ("tenderness", "guarding", "rebound"), ("abdomen soft", "soft nontender", "abdomen is soft", "belly is soft")
    ),
    "lymphadenopathy": ("neck supple", "neck is supple"),
    "fracture": ("normal x ray", "x ray is normal", "x ray was normal", "x ray normal"),
}


def is_implied(fact: Fact, facts: Iterable[Fact], words: str) -> bool:
    """Whether a text implies a concept that it does not name.

    Args:
        fact: a diagnosis, procedure or finding.
        facts: of the text.
        words: the text's normalized words, separated by single blanks.
    """
    if fact.polarity == "negated":
        return any(f" {phrase} " in words for phrase in _NORMAL.get(fact.concept, ()))
    if fact.concept == "fever":
        return any(_is_fever(other) for other in facts)
    above, below = _ABOVE.get(fact.concept, ()), _BELOW.get(fact.concept, ())
    if not above and not below:
        return False
    values = [(other.concept, float(other.attributes["value"])) for other in facts if "value" in other.attributes]
    return any(concept == test and value > bound for test, bound in above for concept, value in values) or any(
        concept == test and value < bound for test, bound in below for concept, value in values
    )


def _is_fever(fact: Fact) -> bool:
    if fact.concept != "temperature" or "value" not in fact.attributes:
        return False
    value = float(fact.attributes["value"])
    return value > (_FEVER_F if value > _LOWEST_F else _FEVER_C)
