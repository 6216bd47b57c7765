"""Words that the statement score knows: those without content, those that negate, numbers, and names for one thing."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Literal

from lab_lens.metrics.rouge import words_of
from lab_lens.metrics.statements.numbers import DECADES, NUMBERS, canonical

_WORDS_REMEMBERED = 1 << 16

# What a text says where nothing was found: "Noncontributory.", "Within normal limits."
NOTHING_FOUND = "none"
_NON = re.compile(r"non(?=[a-z]{4})(?!contribut|specific|steroid|etheless)")


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Hepatitis B, vitamin D; other single letters are enumerators and remains of other words.
_LETTERS = frozenset("bcdek")
# Function words, and words that stand in nearly every clinical sentence and say nothing about this patient.
_EMPTY = _set("""
    a about above after again all also although am an and any apparent apparently are around as at be because been
    before being below between both but by came can comes coming could did do does doing done down due during each
    either else etc ever every few for from further gets getting go goes going got had has have having he her here
    hers herself him himself his how however i if in include includes including into is it its itself just kind let
    like ll lot m made make makes many may me might mine more most much must my myself now of off okay on once one
    only onto or other others otherwise our ours out over own put quite rather re really s same say says see seen
    shall she should since so some something sort still such t take takes taken than that the their theirs them
    themselves then there these they thing things this those though through thus to too um uh under until up upon us
    use used uses using ve very want wants was we well went were what when where whether which while who whom whose
    why will with within would yet you your yours yourself patient patients pt pts mr mrs ms miss mister sir maam
    madam dr doctor doctors man men male female woman lady gentleman boy girl guest clinician history hx past
    previous previously current currently recent recently present presents presented presenting time today known
    significant remarkable positive noted notes note states stated reports reported reporting complains complained
    complaining complaint describes described describe admits admitted endorses endorsed feels feel felt feeling
    thinks think know knows tell told year years yr yrs old aged age status post yes yeah yep ok hi hello thank
    thanks please type able anyone anything another anyway brought bring brings basically even everything gave given
    gives good gotten keep keeps kept lately mainly mostly said saying seem seems somewhat sustained talk talked
    tend tends times toward tried tries try trying usual usually wanted ago office clinic visit evaluate evaluation
    exam examination prior complete instructed involve involved occur occurs occurred onset symptom approximately
    perform performed appear appears notice noticed found show showed shows little bit help need needed sure oh hm
    wow great look looks looking remember sorry correct issue condition happen happened actually mean means call
    called question pretty sound sounds nice welcome sometimes come way understand absolutely wonder wondering
    believe alright exactly maybe guess associated relate related develop developed area per multiple secondary
    later underwent
""")
# What follows one of these in a statement is negated (NegEx, Chapman et al. 2001, J. Biomed. Inform. 34, 301-310).
_NEGATING = _set(
    "no not without denies denied deny denying never negative nor neither cannot lacks absence nope nah non"
)
# At the end of a statement these negate what stands before: "Allergies: none."
NEGATING_BACKWARDS = _set("none negative absent denied no nil")
# A statement of its own begins with these, and after "and" or "," with one of the second group.
_STARTERS = _set("but however although though except besides who which because whereas while when until")
_OPENERS = _set("and that")
_SUBJECTS = _set("he she they it i we has had is was are were does did denies denied reports states feels will")
MALE = _set("he him his himself man male gentleman boy mr mister sir")
FEMALE = _set("she her hers herself woman female lady girl mrs ms miss maam madam")

# What a word does in a statement. Plain strings: an enumeration's members take longer to look up than all the rest.
Kind = Literal["stop", "comma", "empty", "negation", "number", "content"]
# The stems that a name for something goes on with, and the thing.
Phrase = tuple[tuple[str, ...], str]


@dataclass(frozen=True, slots=True)
class Word:
    """A word or mark, with all that is known of it, since texts repeat their words.

    Args:
        text: in lower case.
        stem: the Porter stem that ROUGE uses, or a number's value.
        phrases: the names for things that begin with this word, longest first.
        starts: whether a statement begins with it, or ends where it is a stop.
        starts_after: whether one begins with it after "and", "that" or a comma.
        opens: whether it is one of these.
    """

    text: str
    stem: str
    kind: Kind
    phrases: tuple[Phrase, ...] = ()
    starts: bool = False
    starts_after: bool = False
    opens: bool = False


@lru_cache(maxsize=_WORDS_REMEMBERED)
def read_token(token: str) -> tuple[Word, ...]:
    """The words of a token: two where a word brings its own negation, as "nonsmoker" does."""
    if token[0] in ".;?!\n":
        return (Word("?" if "?" in token else ".", "", "stop", starts=True),)
    word = token.lower().replace("\u2019", "'")
    if word.endswith("n't"):
        return (_word("not"),)
    if _NON.match(word):
        return (_word("non"), _word(word[3:]))
    return (_word(word.partition("'")[0]),)


def _word(text: str) -> Word:
    if not text[0].isalpha():
        return _mark_or_number(text)
    kind: Kind = "content" if _has_content(text) else "empty"
    stem = _stem(text)
    phrases = _phrases().get(stem, ())
    if text in DECADES:
        kind, stem = "number", DECADES[text]
    elif text in NUMBERS:
        kind, stem = "number", str(NUMBERS[text])
    elif text in _NEGATING:
        kind = "negation"
    return Word(text, stem, kind, phrases, text in _STARTERS, text in _SUBJECTS, text in _OPENERS)


def _mark_or_number(text: str) -> Word:
    if text[0].isdigit():
        return Word(text, canonical(text), "number")
    return Word(text, "", "comma" if text == "," else "empty", opens=text == ",")


def _has_content(word: str) -> bool:
    return (len(word) > 1 or word in _LETTERS) and word not in _EMPTY and _stem(word) not in _empty_stems()


@cache
def _empty_stems() -> frozenset[str]:
    return frozenset(map(_stem, _EMPTY))


def _stem(word: str) -> str:
    return "".join(words_of(word, stemmed=True))


@cache
def _phrases() -> dict[str, tuple[Phrase, ...]]:
    found: dict[str, list[Phrase]] = {}
    for name, phrase in _synonyms():
        first, *others = map(_stem, phrase.split())
        found.setdefault(first, []).append((tuple(others), name))
    return {first: tuple(sorted(known, key=lambda entry: -len(entry[0]))) for first, known in found.items()}


def _synonyms() -> Iterator[tuple[str, str]]:
    text = (files("lab_lens.metrics.statements") / "synonyms.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, others = line.partition(":")
            yield from ((name, phrase.strip().replace("-", " ")) for phrase in [name, *others.split(",")])
