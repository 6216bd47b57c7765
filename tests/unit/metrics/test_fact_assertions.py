import pytest

from lab_lens.metrics.facts import extract_facts


def said_of(text, concept):
    return {fact.polarity for fact in extract_facts(text) if fact.concept == concept}


@pytest.mark.parametrize(
    "text",
    [
        "No fever.",
        "She denies fever.",
        "Denied cough, fever or chills.",
        "without fever",
        "negative for chills, fever and cough",
        "no evidence of fever",
        "He is afebrile.",
        "Fever: none",
        "Fever: no.",
        "fever was ruled out",
        "Fever is absent.",
        "There has been no cough,\nrash or fever.",
        "REVIEW OF SYSTEMS: NEGATIVE FOR FEVER.",
        "Any cough or fever? No.",
        "[doctor] any fever ? [patient] uh , no .",
        "[doctor] have you had any fever\n[patient] no no fever",
    ],
)
def test_a_denied_finding_is_negated(text):
    assert said_of(text, "fever") == {"negated"}


@pytest.mark.parametrize(
    "text",
    [
        "Fever and chills.",
        "She denies cough but has fever.",
        "No cough. Fever to 101.",
        "no rash, presented with fever",
        "There was no change in her fever.",
        "Gram negative rods; fever",
        "CT: no fracture. Fever persisted.",
        "Not only fever was noted.",
        "Any fever? Yes.",
    ],
)
def test_a_denial_ends_where_its_scope_ends(text):
    assert said_of(text, "fever") == {"affirmed"}


@pytest.mark.parametrize(
    ("text", "certainty"),
    [
        ("possible pneumonia", "possible"),
        ("cannot rule out pneumonia", "possible"),
        ("likely pneumonia", "probable"),
        ("consistent with pneumonia", "probable"),
        ("pneumonia is suspected", "probable"),
    ],
)
def test_a_doubted_diagnosis_is_uncertain_and_says_how_much(text, certainty):
    fact = next(fact for fact in extract_facts(text) if fact.concept == "pneumonia")
    assert (fact.polarity, fact.attributes["certainty"]) == ("uncertain", certainty)


@pytest.mark.parametrize(
    ("text", "context"),
    [
        ("Return if you have chest pain.", "hypothetical"),
        ("Call for chest pain", "hypothetical"),
        ("rule out chest pain", "hypothetical"),
        ("Mother with chest pain.", "family"),
        ("Have you had chest pain? Well, let me think.", "question"),
    ],
)
def test_what_is_not_said_of_the_patient_is_marked(text, context):
    fact = next(fact for fact in extract_facts(text) if fact.concept == "chest pain")
    assert fact.attributes["context"] == context


def test_a_test_is_not_denied_by_what_it_did_not_show():
    assert said_of("No fracture on CT.", "computed tomography") == {"affirmed"}
    assert said_of("Chest x-ray: No consolidation.", "radiograph") == {"affirmed"}


@pytest.mark.parametrize(
    ("text", "concept", "side", "site"),
    [
        ("left lower lobe pneumonia", "pneumonia", "left", "lower lobe"),
        ("LLL pneumonia", "pneumonia", "left", "lower lobe"),
        ("pain in the left knee", "pain", "left", "knee"),
        ("bilateral pleural effusions", "pleural effusion", "bilateral", None),
        ("edema bilaterally", "edema", "bilateral", None),
        ("left-sided weakness", "weakness", "left", None),
        ("fracture of the right hip", "fracture", "right", "hip"),
    ],
)
def test_a_side_is_attached_to_what_it_qualifies(text, concept, side, site):
    fact = next(fact for fact in extract_facts(text) if fact.concept == concept)
    assert (fact.attributes.get("side"), fact.attributes.get("site")) == (side, site)
    assert text[fact.start : fact.end].split()[0] in text
    assert side[:4] in text[fact.start : fact.end].lower() or "LLL" in text


def test_a_side_of_no_known_concept_is_a_fact_of_its_own():
    facts = [
        fact for fact in extract_facts("a transition point in the right lower quadrant") if fact.kind == "laterality"
    ]
    assert [(fact.concept, fact.attributes["side"]) for fact in facts] == [("lower quadrant", "right")]


@pytest.mark.parametrize(
    "text", ["He left the hospital.", "She left against medical advice.", "all right , thanks", "right now"]
)
def test_words_that_only_look_like_sides_are_none(text):
    assert [fact for fact in extract_facts(text) if "side" in fact.attributes] == []


@pytest.mark.parametrize(
    ("text", "kind", "concept"),
    [
        ("CHF", "diagnosis", "heart failure"),
        ("HTN", "diagnosis", "hypertension"),
        ("T2DM", "diagnosis", "type 2 diabetes"),
        ("DM2", "diagnosis", "type 2 diabetes"),
        ("CABG", "procedure", "coronary artery bypass grafting"),
        ("kidney stones", "diagnosis", "kidney stone"),
        ("nephrolithiasis", "diagnosis", "kidney stone"),
        ("sob", "finding", "shortness of breath"),
        ("chest\npain", "finding", "chest pain"),
        ("C. diff", "diagnosis", "clostridium difficile infection"),
        ("Crohn's disease", "diagnosis", "crohn disease"),
        ("ulnocarpitis", "diagnosis", "ulnocarpitis"),
        ("uvulectomy", "procedure", "uvulectomy"),
        ("Dressler syndrome", "diagnosis", "dressler syndrome"),
    ],
)
def test_synonyms_abbreviations_and_clinical_endings_are_known(text, kind, concept):
    facts = extract_facts(text)
    assert [(fact.kind, fact.concept) for fact in facts] == [(kind, concept)] or kind == "finding"
    assert concept in {fact.concept for fact in facts} or text == "sob"


@pytest.mark.parametrize("text", ["He gave us a hit.", "the cap was on", "her diagnosis and prognosis", "as he saw"])
def test_words_in_lower_case_are_no_abbreviations(text):
    assert extract_facts(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        "I've not actually had any chills or fever.",
        "He has not had trouble with fever.",
        "Any fever? Nothing like that.",
        "Do you have fever? I don't have any.",
        "[doctor] have you had any fever ? [patient] i have n't , thank god .",
        "[doctor] any cough or fever or anything like that no okay and your knee",
        "[doctor] any more of that fever since then\n[patient] i have not had any at all",
        "The parents also noticed no fever.",
    ],
)
def test_a_denial_in_spoken_words_is_negated(text):
    assert said_of(text, "fever") == {"negated"}


@pytest.mark.parametrize(
    "text",
    [
        "[doctor] have you had fever ? [patient] i do n't know .",
        "[doctor] have you had fever ? [patient] not sure .",
        "[doctor] have you had fever ? [patient] i never took it .",
    ],
)
def test_an_answer_that_decides_nothing_leaves_the_question_open(text):
    fact = next(fact for fact in extract_facts(text) if fact.concept == "fever")
    assert fact.attributes["context"] == "question"


@pytest.mark.parametrize(
    "text",
    [
        "[doctor] any cough or fever yeah okay no rash",
        "No cough.  fever since Monday",
        "No cough. He has some fever.",
    ],
)
def test_a_denial_of_something_else_leaves_a_finding_alone(text):
    assert said_of(text, "fever") == {"affirmed"}


def test_what_a_parent_noticed_is_the_patients_and_what_a_parent_has_is_not():
    noticed, has = (
        next(fact for fact in extract_facts(text) if fact.concept == "rash")
        for text in ("The parents also noticed a rash.", "Mother with a rash.")
    )
    assert "context" not in noticed.attributes
    assert has.attributes["context"] == "family"
