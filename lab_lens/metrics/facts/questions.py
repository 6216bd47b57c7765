"""Questions of a dialogue: what the answer says of the concepts that a question names."""

from lab_lens.metrics.facts.assertion import Assertion
from lab_lens.metrics.facts.tokens import Tokens
from lab_lens.metrics.facts.vocabulary import word_set

_NO = word_set("no nope nah none never negative not")
_YES = word_set("yes yeah yep yup correct sure right mm mhm uh-huh definitely absolutely")
_SPEAKERS = word_set("""
    [ ] guest_clinician clinician guest_family _ doctor patient dr guest family nurse : , . um uh well oh hmm and so
""")
_ASKING = word_set("any have how what do are did ever noticed like")
_REACH = 10
_QUESTIONS_IN_A_ROW = 3


def answered(tokens: Tokens, index: int, said: Assertion) -> Assertion:
    """`said`, corrected by the answer where the sentence of token `index` is a question.

    A plain question without a plain answer is uncertain, with the context "question".
    """
    end = tokens.sentence_end(index)
    if said.polarity == "negated":
        return said
    if tokens.words[end - 1] != "?":
        return Assertion("negated", {}) if _is_denied_by_patient(tokens, index, end) else said
    end = _after_questions(tokens, end)
    for word in tokens.words[end : end + _REACH]:
        if word in _NO:
            return Assertion("negated", {})
        if word in _YES:
            return Assertion("affirmed", {})
        if word not in _SPEAKERS:
            break
    return Assertion("uncertain", {**said.attributes, "certainty": "possible", "context": "question"})


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
    return words[end + 3] in _NO - {"not"} and bool(_ASKING.intersection(asked))
