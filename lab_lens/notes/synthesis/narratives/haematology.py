"""Prose of the haematology scenarios."""

from lab_lens.notes.synthesis.narrative import FEBRILE, IN_PAIN, STABLE, Narrative

NARRATIVES = {
    "sickle_crisis": Narrative(
        story=(
            "{He} has {crises} crises a year and this one felt typical.",
            "[Cold weather set it off.|Dehydration after a long shift set it off.|No trigger was found.]",
            "Hemoglobin was {hemoglobin}, LDH {LDH} and total bilirubin {total_bilirubin}.",
        ),
        course=(
            "{He} was treated with {treatment}, and pain fell from 9/10 to 3/10.",
            "Chest x-ray showed no infiltrate, and incentive spirometry was encouraged.",
            "Hemoglobin was {hemoglobin_last} before discharge.",
        ),
        advice="You were admitted with a pain crisis. Drink plenty of water and avoid cold.",
        warning="fever, chest pain, shortness of breath, or weakness",
        vitals=IN_PAIN,
        exam={"HEENT": "mild scleral icterus", "Extremities": "tender long bones, no swelling"},
    ),
    "neutropenic_fever": Narrative(
        story=(
            "{He} finished the {cycle} cycle of chemotherapy 9 days ago.",
            "[The port has worked well.|{He} took {his} temperature because of chills.]",
            (
                "Absolute neutrophil count was {absolute_neutrophil_count}, platelets {platelets} and hemoglobin "
                "{hemoglobin}."
            ),
        ),
        course=(
            "{He} was treated with {treatment} and supported with red cells and platelets.",
            "[CT chest showed no fungal infection.|Urine culture was negative.|Viral swab was negative.]",
            (
                "Counts recovered to a neutrophil count of {absolute_neutrophil_count_last}, and {he} was afebrile "
                "for 48 hours."
            ),
        ),
        advice="You were admitted with fever while your white cells were low. Check your temperature twice a day.",
        warning="temperature over 100.4, bleeding, or shortness of breath",
        vitals=FEBRILE,
        exam={
            "HEENT": "oropharynx with [shallow ulcers|mild erythema]",
            "Skin": "port site clean, petechiae on the shins",
        },
    ),
    "deep_vein_thrombosis": Narrative(
        story=(
            "The provoking factor was {provoked}.",
            "[Swelling was worse at the end of the day.|{He} thought it was a pulled muscle.]",
            "Lower extremity ultrasound showed occlusive {side} {vein} thrombus.",
        ),
        course=(
            "{He} was treated with {treatment}.",
            "There was no evidence of pulmonary embolism.",
            "Platelets were stable at {platelets_last} and hemoglobin at {hemoglobin_last} on anticoagulation.",
            "[A hypercoagulable work-up is deferred to clinic.|Age appropriate cancer screening is up to date.]",
        ),
        advice="You were admitted with a blood clot in your leg and started on a blood thinner.",
        warning="chest pain, shortness of breath, more swelling, or bleeding",
        vitals=STABLE,
        exam={"Extremities": "{side} leg swollen to the thigh, tender, warm, pulses intact"},
    ),
}
