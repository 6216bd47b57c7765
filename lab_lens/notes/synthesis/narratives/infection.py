"""Prose of the infection scenarios."""

from lab_lens.notes.synthesis.narrative import FEBRILE, PNEUMONIC, SEPTIC, STABLE, Narrative

NARRATIVES = {
    "urosepsis": Narrative(
        story=(
            "[Urinary frequency came first.|{He} felt well the week before.|{He} had nausea and could not eat.]",
            "Urinalysis showed more than 180 white cells and positive nitrites.",
            "WBC was {WBC}, lactate {lactate} and creatinine {creatinine}.",
        ),
        course=(
            "{He} was treated with {treatment} and [30 mL/kg of fluid|IV fluids].",
            "Urine culture grew more than 100,000 colonies of {organism}.",
            "CT abdomen showed {side} perinephric stranding without abscess.",
            "WBC fell to {WBC_last} and lactate to {lactate_last}.",
        ),
        advice="You were admitted with a kidney infection. Drink fluids and finish the antibiotic.",
        warning="fever, flank pain, or inability to keep medications down",
        vitals=SEPTIC,
        exam={"Abdomen": "soft, suprapubic and {side} CVA tenderness", "General": "flushed, rigoring"},
    ),
    "cellulitis": Narrative(
        story=(
            (
                "[A small crack between the toes was noted.|{He} recalls a scratch from gardening.|There was no clear "
                "portal of entry.]"
            ),
            "Oral antibiotics from urgent care did not help.",
            "WBC was {WBC} and CRP {CRP}. Lower extremity ultrasound showed no deep venous thrombosis.",
        ),
        course=(
            "{He} was treated with {treatment} and elevation of the {limb}.",
            "Erythema receded from the marked border within [two|three] days.",
            "WBC fell to {WBC_last} and blood cultures remained negative.",
        ),
        advice="You were admitted with a skin infection. Keep the leg elevated and finish the antibiotic.",
        warning="spreading redness, fever, or drainage",
        vitals=FEBRILE,
        exam={"Extremities": "{limb} warm, erythematous and tender, no crepitus, pulses intact"},
    ),
    "endocarditis": Narrative(
        story=(
            "{He} lost [8|10|12] pounds and had [drenching sweats|rigors at night].",
            (
                "[A skin infection was treated last month.|A dental cleaning took place last month.|No "
                "source was evident.]"
            ),
            (
                "Blood cultures from the ED grew MSSA in [four of four|three of four] bottles. CRP was {CRP} and ESR "
                "{ESR}."
            ),
        ),
        course=(
            "Transesophageal echocardiogram showed a {vegetation} cm {valve} valve vegetation.",
            "{He} was treated with {treatment}, and cultures cleared on hospital day [3|4].",
            "Cardiac surgery saw {him} and found no indication for operation.",
            "Infectious disease recommended 6 weeks from the first negative culture, with weekly laboratory tests.",
        ),
        advice=(
            "You were admitted with an infection of a heart valve. You will need antibiotics through your PICC for "
            "several weeks."
        ),
        warning="fever, shortness of breath, weakness, or redness at the PICC",
        vitals=FEBRILE,
        exam={"Cardiac": "III/VI murmur at the {valve} area", "Skin": "splinter hemorrhages, no Janeway lesions"},
    ),
    "influenza": Narrative(
        story=(
            "[Several family members are ill.|{He} works in a school.|An outbreak was reported where {he} lives.]",
            "{He} could not keep up with fluids at home.",
            "Influenza A was detected by nasal swab. Chest x-ray showed no focal consolidation, and WBC was {WBC}.",
        ),
        course=(
            "{He} was treated with {treatment} under droplet precautions.",
            "{He} defervesced on hospital day 2 and was eating well.",
            "There was no evidence of bacterial superinfection.",
        ),
        advice=(
            "You were admitted with influenza. Rest, drink fluids and stay home until you have no fever for 24 hours."
        ),
        warning="shortness of breath, return of fever, or confusion",
        vitals=PNEUMONIC,
        exam={"General": "ill appearing", "Lungs": "scattered rhonchi, no consolidation"},
    ),
    "osteomyelitis": Narrative(
        story=(
            "{He} first noticed the ulcer [after new shoes|when a sock was stained].",
            "[Two courses of oral antibiotics did not heal it.|The wound probes to bone in clinic.]",
            "ESR was {ESR}, CRP {CRP} and hemoglobin A1c {hemoglobin_A1c}. MRI foot showed osteomyelitis of the {toe}.",
        ),
        course=(
            "{He} was treated with {treatment}.",
            "Deep cultures grew [mixed flora|MSSA and enterococcus|group B streptococcus].",
            "Glucose was controlled with insulin, and diabetes teaching was given.",
        ),
        advice=(
            "You were admitted with a bone infection of the foot. Keep weight off the foot, change the dressing daily "
            "and check your sugars."
        ),
        warning="fever, spreading redness, drainage, or black skin",
        vitals=STABLE,
        exam={
            "Extremities": "{toe} ulcer with purulence probing to bone, pulses dopplerable",
            "Neuro": "reduced sensation to monofilament in both feet",
        },
    ),
}
