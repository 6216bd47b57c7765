"""Errors of known kind and place, planted in references that had none.

Nothing here asks the extractor where a fact is: errors are placed by patterns over the text and by the vocabulary of
the generator of synthetic notes, so that what the extractor cannot read counts as missed. An error is planted only
where the note, as plain text, leaves no doubt that it is one: the new number, side or drug does not stand in it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from lab_lens.notes.synthesis.laboratory import TESTS
from lab_lens.notes.synthesis.scenarios import SCENARIOS


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


KINDS = (
    "dose changed",
    "drug swapped",
    "negation flipped",
    "side flipped",
    "lab value altered",
    "date shifted",
    "interval changed",
    "other patient's fact",
)
# Often prescribed in the United States; written down here, not read from the lexicon under test.
DRUGS = _words("""
    atorvastatin metformin levothyroxine lisinopril amlodipine metoprolol albuterol losartan gabapentin omeprazole
    sertraline rosuvastatin pantoprazole escitalopram hydrochlorothiazide bupropion fluoxetine simvastatin trazodone
    montelukast citalopram furosemide fluticasone tramadol meloxicam insulin duloxetine prednisone tamsulosin
    carvedilol pravastatin ibuprofen clopidogrel venlafaxine potassium allopurinol warfarin cyclobenzaprine
    clonidine zolpidem aspirin methylphenidate spironolactone azithromycin cetirizine propranolol lamotrigine
    apixaban topiramate oxycodone celecoxib famotidine quetiapine buspirone glimepiride hydroxyzine acetaminophen
    naproxen tylenol advil lasix plavix coumadin lipitor doxycycline cephalexin amoxicillin ciprofloxacin
    ceftriaxone vancomycin heparin digoxin
""")
_BRANDS = {"tylenol": "acetaminophen", "advil": "ibuprofen", "lasix": "furosemide", "plavix": "clopidogrel"}
_BRANDS |= {"coumadin": "warfarin", "lipitor": "atorvastatin"}
_TESTS = tuple(
    dict.fromkeys(
        [
            *(name.lower() for name in TESTS),
            "hgb",
            "hematocrit",
            "white blood cell count",
            "blood pressure",
            "heart rate",
            "temperature",
            "oxygen saturation",
            "platelet count",
            "troponin",
            "ejection fraction",
            "lvef",
            "blood sugar",
            "pulse",
            "respiratory rate",
        ]
    )
)
_DISEASES = _words("""
    pneumonia hypertension asthma diabetes stroke gout cirrhosis pancreatitis diverticulitis endocarditis
    osteoporosis hypothyroidism glaucoma epilepsy lymphoma psoriasis cellulitis schizophrenia appendicitis
    pyelonephritis
""")
_NUMBER_WORDS = _words("one two three four five six seven eight nine ten")
_UNIT = r"(?:days?|weeks?|months?|years?|hours?)"
_FLIPS = {"left": "right", "right": "left", "Left": "Right", "Right": "Left", "LEFT": "RIGHT", "RIGHT": "LEFT"}
_AFFIRMING = {"denies": "reports", "denied": "reported", "without": "with", "no evidence of": "evidence of", "no": ""}
# What no clinician would call a finding.
_NOT_A_FINDING = re.compile(
    r"complication|medication|change|further|significant|other|longer|one\b|issue|prior|history|known|difficult|problem"
    r"|follow|recent|improvement|relief|acute distress|apparent|sign|symptom|evidence|additional|more|need|family"
    r"|personal|previous|any\b|a\b|the\b|being|having|help|abnormalit|past|concern|question|contributory|progress|use|doubt"
    r"|recurrence|contrast|insurance|exercis|ever\b|treatment|blood test|hormon|plans?\b|visual|incident|event|tobacco"
    r"|alcohol|illicit|drug|smok|trouble|or\b|incision|deficit|obvious|new\b|delayed"
)
_MONTHS = _words("January February March April May June July August September October November December")


@dataclass(frozen=True)
class Pair:
    """A reference, the note that it was written from, and references of other patients."""

    note: str
    reference: str
    others: tuple[str, ...]


@dataclass(frozen=True)
class Planted:
    """A reference with one error at characters [start, end)."""

    kind: str
    text: str
    start: int
    end: int


def plant(kind: str, pair: Pair, rng: Random) -> Planted | None:
    """Plant one error of a kind, or None where the reference offers no place for it."""
    places = list(_PLANTERS[kind](pair, rng))
    return rng.choice(places) if places else None


def _replaced(kind: str, pair: Pair, start: int, end: int, new: str, reach: int = 0) -> Planted:
    """The reference with [start, end) replaced; the error reaches `reach` characters beyond the new text."""
    text = pair.reference[:start] + new + pair.reference[end:]
    return Planted(kind, text, start, min(len(text), start + len(new) + reach))


def _says(text: str, phrase: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(phrase)}(?![\w]|\.\d)", text, re.IGNORECASE) is not None


def _doses(pair: Pair, rng: Random) -> Iterator[Planted]:
    for match in re.finditer(
        r"(?<![\d.,-])(\d+(?:\.\d+)?)\s?-?(mg|mcg|units|mEq|milligrams)\b(?!\s?/)", pair.reference
    ):
        value = float(match[1]) * rng.choice((2, 3, 0.5))
        new = f"{value:g}"
        if not _says(pair.note, new) and not _says(pair.note, f"{new}{match[2]}"):
            yield _replaced("dose changed", pair, match.start(1), match.end(1), new)


def _drugs(pair: Pair, rng: Random) -> Iterator[Planted]:
    texts = f"{pair.note} {pair.reference}".lower()
    names = {name for pair in _BRANDS.items() for name in pair if name in texts}
    known = names | {_BRANDS.get(name, "") for name in names} | {brand for brand in _BRANDS if _BRANDS[brand] in names}
    absent = [drug for drug in DRUGS if drug not in texts and drug not in known]
    for match in re.finditer(rf"\b(?:{'|'.join(DRUGS)})\b", pair.reference, re.IGNORECASE):
        # "insulin glargine" with another first word would be no drug at all.
        if absent and not re.match(
            r"[-/ ](?:glargine|lispro|level|chloride|sulfate|of|drip|was|fell)", pair.reference[match.end() :]
        ):
            yield _replaced("drug swapped", pair, match.start(), match.end(), rng.choice(absent))


def _negations(pair: Pair, _: Random) -> Iterator[Planted]:
    for match in re.finditer(
        r"\b(no evidence of|no|without|denies|denied) ((?:[a-z]+ ?){1,2})", pair.reference, re.IGNORECASE
    ):
        term = match[2].strip()
        cue = match[1].lower()
        sentence = re.split(r"[.!?:\n]\s", pair.reference[: match.start()])[-1]
        is_listed = re.search(r"\b(no|not|without|denie[sd]|negative)\b", sentence, re.IGNORECASE)
        if is_listed or _NOT_A_FINDING.search(term) or len(term) < 4 or not _is_only_denied(pair.note, term):
            continue
        new = _AFFIRMING[cue]
        new = new.capitalize() if match[1][0].isupper() else new
        end = match.end(1) if new else match.start(2)
        yield _replaced("negation flipped", pair, match.start(1), end, new, reach=1 + len(term))


def _is_only_denied(note: str, term: str) -> bool:
    """Whether the note has the term's main word, and wherever it has it denies it in the same sentence."""
    head = term.rsplit(maxsplit=1)[-1][:7]
    if not re.search(rf"\b{re.escape(head)}", note, re.IGNORECASE):
        return False
    for match in re.finditer(rf"\b{re.escape(head)}", note, re.IGNORECASE):
        before = re.split(r"[.!?\n]\s", note[max(0, match.start() - 200) : match.start()])[-1]
        if not re.search(r"\b(no|not|without|denie[sd]|deny|negative|any|never)\b", before, re.IGNORECASE):
            return False
    return True


def _sides(pair: Pair, _: Random) -> Iterator[Planted]:
    for match in re.finditer(r"\b(left|right)(?=[ -]([a-z]+))", pair.reference, re.IGNORECASE):
        new = _FLIPS.get(match[1], "")
        is_verb = match[2].lower() in {"him", "her", "his", "now", "the", "with", "and", "it", "us", "me", "hand"}
        if (
            new
            and not is_verb
            and not re.search(rf"\b{new}[ -]+(?:\w+ +)?{match[2]}|\bbilateral", pair.note, re.IGNORECASE)
        ):
            yield _replaced("side flipped", pair, match.start(1), match.end(1), new, reach=1 + len(match[2]))


def _values(pair: Pair, rng: Random) -> Iterator[Planted]:
    names = "|".join(re.escape(name) for name in sorted(_TESTS, key=len, reverse=True) if len(name) > 1)
    pattern = (
        rf"\b(?:{names})(?: was| is| of| at| level| elevated at)* (\d+(?:\.\d+)?)\b(?! ?(?:mg|mcg|%\s|/|days|weeks))"
    )
    for match in re.finditer(pattern, pair.reference, re.IGNORECASE):
        decimals = len(match[1].partition(".")[2])
        new = f"{float(match[1]) * rng.choice((1.3, 1.6, 0.7)) + 10**-decimals:.{decimals}f}"
        if not _says(pair.note, new) and not _says(pair.note, new.rstrip("0").rstrip(".")):
            yield _replaced("lab value altered", pair, match.start(1), match.end(1), new)


def _dates(pair: Pair, rng: Random) -> Iterator[Planted]:
    for match in re.finditer(r"(?<=\d-)(\d{1,2})(?=\*\*\])|(?<=\d/)(\d{1,2})(?=/\d{2,4}\b)", pair.reference):
        new = str((int(match[0]) + rng.randint(2, 9)) % 28 + 1)
        whole = re.split(r"\s", pair.reference[: match.start()])[-1] + new
        if new != match[0] and whole not in pair.note:
            yield _replaced("date shifted", pair, match.start(), match.end(), new)
    for match in re.finditer(rf"\b({'|'.join(_MONTHS)})\b(?= \d)", pair.reference):
        new = rng.choice([month for month in _MONTHS if month[:3] not in pair.note] or [""])
        if new and new != match[0]:
            yield _replaced("date shifted", pair, match.start(), match.end(), new)


def _intervals(pair: Pair, rng: Random) -> Iterator[Planted]:
    for match in re.finditer(
        rf"\b(\d+|{'|'.join(_NUMBER_WORDS)})[ -]({_UNIT})\b(?![ -]old)", pair.reference, re.IGNORECASE
    ):
        if re.search(r"(every|to|-|a) ?$", pair.reference[: match.start()]):
            continue
        old = int(match[1]) if match[1].isdigit() else _NUMBER_WORDS.index(match[1].lower()) + 1
        value = old + rng.choice((2, 3, 5, 7))
        word = _NUMBER_WORDS[value - 1] if value <= len(_NUMBER_WORDS) else str(value)
        is_free = not _says(pair.note, str(value)) and not _says(pair.note, word)
        if is_free:
            yield _replaced(
                "interval changed", pair, match.start(1), match.end(1), str(value) if match[1].isdigit() else word
            )


def _strangers(pair: Pair, rng: Random) -> Iterator[Planted]:
    """A sentence of another patient that names a drug, a diagnosis or a dose of which the note says nothing."""
    note = pair.note.lower()
    for other in rng.sample(pair.others, min(6, len(pair.others))):
        for sentence in re.split(r"(?<=[.])\s+(?=[A-Z])|\n+", other):
            lower = sentence.lower()
            names = [name for name in (*DRUGS, *_DISEASES, *_DIAGNOSES) if name in lower]
            if 4 <= len(sentence.split()) <= 40 and names and not any(name in note for name in names):
                text = f"{pair.reference.rstrip()} {sentence.strip()}"
                yield Planted("other patient's fact", text, len(text) - len(sentence.strip()), len(text))
                break


# The generator's own diagnoses, where they are plain words.
_DIAGNOSES = tuple(scenario.label.lower() for scenario in SCENARIOS if re.fullmatch(r"[\w ]+", scenario.label))
_PLANTERS: dict[str, Callable[[Pair, Random], Iterator[Planted]]] = dict(
    zip(KINDS, (_doses, _drugs, _negations, _sides, _values, _dates, _intervals, _strangers), strict=True)
)
