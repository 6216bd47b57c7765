"""Questions of a dialogue: what the answer says of the concepts that a question names."""

from lab_lens.metrics.facts.assertion import Assertion
from lab_lens.metrics.facts.tokens import Tokens
from lab_lens.metrics.facts.types import Polarity
from lab_lens.metrics.facts.vocabulary import word_set

_NO = word_set("no nope nah none never negative not nothing neither")
_YES = word_set("yes yeah yep yup correct sure right mm mhm uh-huh definitely absolutely")
_SUBJECTS = word_set("i he she we they there")
_AUXILIARIES = word_set("do does did have has had am is are was were can could really actually")
_NOT = word_set("not n't never don't doesn't didn't haven't hasn't hadn't isn't aren't wasn't can't")
_DENIED = word_set(". , any do have had think believe been notice noticed")
_UNSURE = word_set("sure certain idea")
_SPEAKERS = word_set("""
    [ ] guest_clinician clinician guest_family _ doctor patient dr guest family nurse : , . um uh well oh hmm and so
""")
_ASKING = word_set("any have how what do are did ever noticed like")
_REACH = 10
_ASKED_BEFORE, _ANSWERED_AFTER = 8, 14
_CLOSING = word_set("that all else")
_QUESTIONS_IN_A_ROW = 3


def may_ask(tokens: Tokens) -> bool:
    """Whether a text may be a dialogue: has a question mark or a speaker in brackets. `answered` is for these alone."""
    return "?" in tokens.words or "[" in tokens.words


def answered(tokens: Tokens, index: int, said: Assertion) -> Assertion:
    """`said`, corrected by the answer where the sentence of token `index` is a question.

    A plain question without a plain answer is uncertain, with the context "question".
    """
    end = tokens.sentence_end(index)
    if said.polarity == "negated":
        return said
    if tokens.words[end - 1] != "?":
        is_denied = _is_denied_by_patient(tokens, index, end) or _is_denied_in_passing(tokens, index, end)
        return Assertion("negated", {}) if is_denied else said
    end = _after_questions(tokens, end)
    answer = _answer(tokens, end)
    if answer is not None:
        return Assertion(answer, {})
    return Assertion("uncertain", {**said.attributes, "certainty": "possible", "context": "question"})


def _answer(tokens: Tokens, start: int) -> Polarity | None:
    """What the first words after a question say: "no", "nothing like that", "she has n't had any"; None: neither."""
    words = tokens.words
    for index in range(start, min(start + _REACH, len(words))):
        word = words[index]
        if word in _NO:
            is_unsure = _UNSURE.intersection(words[index + 1 : index + 2]) and word in {"not", "no"}
            return None if is_unsure else "negated"
        if word in _YES:
            return "affirmed"
        if word in _SUBJECTS:
            return "negated" if _is_denial(words[index + 1 : index + 4]) else None
        if word not in _SPEAKERS:
            return None
    return None


def _is_denial(words: list[str]) -> bool:
    """Whether the words after "I" or "she" deny: "have n't", "don't think so", but not "don't know"."""
    for index, word in enumerate(words[:3]):
        if word in _NOT:
            return bool(_DENIED.intersection(words[index + 1 : index + 2]))
        if word not in _AUXILIARIES:
            return False
    return False


def _after_questions(tokens: Tokens, end: int) -> int:
    """The index after further questions of the same speaker: "Any cough? Fever?" share one answer."""
    for _ in range(_QUESTIONS_IN_A_ROW):
        following = tokens.sentence_end(end) if end < len(tokens.words) else end
        if following == end or tokens.words[following - 1] != "?" or "[" in tokens.words[end:following]:
            break
        end = following
    return end


def _is_denied_by_patient(tokens: Tokens, index: int, end: int) -> bool:
    """Whether a question that a transcript gives no question mark is answered by no: "any chills [patient] no"."""
    words = tokens.words
    if words[end : end + 2] != ["[", "patient"] or end + 3 >= len(words):
        return False
    asked = words[tokens.sentence_begin(index) : end]
    return bool(_ASKING.intersection(asked)) and _answer(tokens, end + 3) == "negated"


def _is_denied_in_passing(tokens: Tokens, index: int, end: int) -> bool:
    """Whether a transcript without marks holds question and answer: "any chest pain or anything like that no no"."""
    words = tokens.words
    if "any" not in words[max(tokens.sentence_begin(index), index - _ASKED_BEFORE) : index]:
        return False
    for at in range(index + 1, min(end, index + _ANSWERED_AFTER)):
        if words[at] in _YES or words[at] == "but":
            return False
        if words[at] == "no" and (words[at - 1] in _CLOSING or words[at + 1 : at + 2] in (["no"], ["okay"])):
            return True
    return False
