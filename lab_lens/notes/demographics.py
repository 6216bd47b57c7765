"""Age groups, gender and ethnicity groups out of the many ways in which hospital tables write them."""

import re

AGE_GROUPS = ("0-17", "18-44", "45-64", "65+")
ETHNICITY_GROUPS = ("White", "Black", "Hispanic/Latino", "Asian", "Other", "Unknown")

_BLANKS = frozenset({"", "nan", "na", "n/a", "none", "null"})
# MIMIC-III shifts the birth of everyone over 89 to 300 years before the first admission; later admissions lie above.
_HIGHEST_AGE_YEARS = 400
_YEARS_PER_UNIT = {"y": 1.0, "m": 1 / 12, "w": 7 / 365.25, "d": 1 / 365.25}
_AGE = re.compile(
    r"(?P<number>\d+(?:\.\d+)?)\s*\+?[\s-]*"
    r"(?P<unit>y(?:ears?|rs?|r?\.?o\.?|/o)?|m(?:onths?|os?|ths?)|w(?:eeks?|ks?)|d(?:ays?)?)?\.?(?:[\s-]*old)?"
)
_OVER = re.compile(r"(?:age(?:d)?\s+)?(?:over|above|>=?)\s*(?P<number>\d+)(?:\s*years?)?")


def is_blank(text: str) -> bool:
    """True for the spellings of a missing value: '', NaN, NA, n/a, none, null."""
    return text.strip().lower() in _BLANKS


def age_group(age_text: str) -> str:
    """Group an age: '62', '45.0', '22-month', '90+', '[**Age over 90 **]', '300' (MIMIC-III's shift of ages over 89).

    Args:
        age_text: an age in years, or with a unit (years, months, weeks, days), or one of the groups.

    Returns:
        One of AGE_GROUPS; "" for a blank and for what is not an age (tell them apart with `is_blank`).
    """
    text = age_text.strip().lower().removeprefix("[**").removesuffix("**]").strip()
    if text in AGE_GROUPS:
        return text
    years = _age_years(text)
    if years is None or years > _HIGHEST_AGE_YEARS:
        return ""
    return AGE_GROUPS[sum(years >= bound for bound in (18, 45, 65))]


def _age_years(text: str) -> float | None:
    over = _OVER.fullmatch(text)
    if over:
        # "over 89" gives a lower bound only, which decides a group in the highest one alone.
        bound = float(over["number"])
        return bound if bound >= 65 else None
    match = _AGE.fullmatch(text)
    if not match or ("+" in text and float(match["number"]) < 65):
        return None
    unit = (match["unit"] or "y")[0]
    return float(match["number"]) * _YEARS_PER_UNIT[unit]


def normalize_age_group(text: str) -> str:
    """Bring a column of age groups to AGE_GROUPS where it holds these or ages; a site's own groups stay as they are."""
    return "" if is_blank(text) else age_group(text) or text.strip()


def normalize_gender(text: str) -> str:
    """'F' or 'M' for their usual spellings, '' for a blank; any other value is kept, stripped."""
    if is_blank(text):
        return ""
    return {"f": "F", "female": "F", "m": "M", "male": "M"}.get(text.strip().lower(), text.strip())


# First match decides. Whole words, since CAUCASIAN holds ASIAN and UNKNOWN holds no race. The groups are those that
# publications on MIMIC-III use: PORTUGUESE and SOUTH AMERICAN count as Latino, WHITE - BRAZILIAN as White.
_ETHNICITY_RULES = tuple(
    (group, re.compile(rf"\b(?:{words})\b"))
    for group, words in (
        ("Unknown", "UNKNOWN|UNABLE TO OBTAIN|DECLINED?|REFUSED|PREFER NOT|NOT SPECIFIED|NOT REPORTED|UNSPECIFIED"),
        ("Other", r"MULTI|MULTIPLE|MULTIRACIAL|MIXED|TWO OR MORE|MIDDLE EASTERN|AMERICAN INDIAN|ALASKAN?|HAWAIIAN"),
        ("Hispanic/Latino", "HISPANIC|LATIN[OAXE]|PORTUGUESE|(?:SOUTH|CENTRAL) AMERICAN"),
        ("Black", "BLACK|AFRICAN|CARIBBEAN"),
        ("Asian", "ASIAN"),
        ("White", "WHITE|CAUCASIAN|EUROPEAN"),
        ("Other", "OTHER|PACIFIC ISLANDER"),
    )
)
_NEGATED = re.compile(r"\b(?:NON|NOT)[ -]+(?:HISPANIC(?:(?: OR |/)LATINO)?|LATINO|WHITE)\b")


def group_ethnicity(text: str) -> str:
    """Group an ethnicity or race of MIMIC-III, MIMIC-IV or a similar table.

    Returns:
        One of ETHNICITY_GROUPS, "" for a blank. A value that no rule knows is Other; `is_known_ethnicity` counts them.
    """
    return "" if is_blank(text) else _ruled_ethnicity(text) or "Other"


def is_known_ethnicity(text: str) -> bool:
    """False where `group_ethnicity` had no rule and said Other."""
    return is_blank(text) or _ruled_ethnicity(text) is not None


def _ruled_ethnicity(text: str) -> str | None:
    stated = _NEGATED.sub("", " ".join(text.upper().split()))
    if not re.search(r"\w", stated):
        return "Unknown"
    return next((group for group, rule in _ETHNICITY_RULES if rule.search(stated)), None)
