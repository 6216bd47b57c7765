"""Prose of the surgery scenarios."""

from lab_lens.notes.synthesis.narrative import FEBRILE, STABLE, Narrative

NARRATIVES = {
    "appendicitis": Narrative(
        story=(
            "{He} had [no appetite|nausea and one episode of vomiting].",
            "WBC was {WBC}. CT abdomen showed a {caliber} mm appendix with {detail}.",
        ),
        course=(
            "{He} was given {treatment} before the operation.",
            "The appendix was {kind}. Diet was advanced the next day.",
            "WBC fell from {WBC} to {WBC_last}.",
        ),
        advice="You had your appendix removed. No heavy lifting for 4 weeks. You may shower.",
        warning="fever, worsening pain, vomiting, or redness of the incisions",
        vitals=FEBRILE,
        exam={"Abdomen": "tender at McBurney's point with guarding, Rovsing positive"},
    ),
    "cholecystitis": Narrative(
        story=(
            "[Milder attacks after fatty meals came before.|This was the first episode.]",
            (
                "Right upper quadrant ultrasound showed gallstones with a {wall} mm gallbladder wall. WBC was {WBC} "
                "and ALT {ALT}."
            ),
        ),
        course=(
            "{He} was treated with {treatment} and kept fasting.",
            "The gallbladder was inflamed[ with dense adhesions|], without a common duct stone.",
            "WBC was {WBC_last} and pain was controlled by mouth at discharge.",
        ),
        advice=(
            "You had your gallbladder removed. Eat a low fat diet for two weeks, and lift nothing over 10 pounds for "
            "4 weeks."
        ),
        warning="fever, yellow skin, worsening pain, or drainage from the incisions",
        vitals=FEBRILE,
        exam={"Abdomen": "right upper quadrant tenderness with positive Murphy's sign"},
    ),
    "colectomy": Narrative(
        story=(
            "Biopsy showed adenocarcinoma. CEA was [normal|mildly elevated].",
            "CT abdomen showed a {mass} cm {segment} colon mass without metastases.",
            "{He} completed a bowel preparation at home.",
        ),
        course=(
            "Postoperative care included {treatment}.",
            "Pathology showed a T3 tumor with {nodes} nodes involved and clear margins.",
            "Hemoglobin was {hemoglobin_last} at discharge. {He} tolerated a regular diet.",
        ),
        advice="You had part of your colon removed for cancer. Avoid heavy lifting for 6 weeks, and eat small meals.",
        warning="fever, vomiting, a swollen belly, or wound drainage",
        vitals=STABLE,
        exam={"Abdomen": "soft, nontender, no mass palpable", "General": "well appearing"},
    ),
}
