"""Prose of the renal scenarios."""

from lab_lens.notes.synthesis.narrative import BRADYCARDIC, HYPOTENSIVE, IN_PAIN, Narrative

NARRATIVES = {
    "acute_kidney_injury": Narrative(
        story=(
            "{He} kept taking {his} usual pills despite [poor intake|vomiting|diarrhea].",
            "There were no obstructive symptoms.",
            "Creatinine was {creatinine}, up from a baseline near 1, with BUN {BUN} and potassium {potassium}.",
        ),
        course=(
            "FENa was below 1% and renal ultrasound showed no hydronephrosis.",
            "{He} was given {treatment}, and nephrotoxic agents were held.",
            "Creatinine fell from {creatinine} to {creatinine_last}, and potassium to {potassium_last}.",
        ),
        advice=(
            "You were admitted with kidney injury from dehydration. Drink enough fluids and avoid ibuprofen and "
            "naproxen."
        ),
        warning="less urine, vomiting, weakness, or swelling",
        vitals=HYPOTENSIVE,
        exam={"HEENT": "dry mucous membranes", "Neck": "JVP flat", "Skin": "poor turgor"},
    ),
    "missed_dialysis": Narrative(
        story=(
            "{He} missed {missed} sessions because of [transportation|a family emergency|feeling unwell].",
            "ECG showed peaked T waves; potassium was {potassium}.",
            "Chest x-ray showed pulmonary vascular congestion.",
        ),
        course=(
            "{He} was treated with {treatment} and taken to dialysis.",
            "Potassium fell from {potassium} to {potassium_last}, and the ECG normalized.",
            "Social work arranged [transportation|a new dialysis schedule].",
        ),
        advice=(
            "You were admitted because your potassium was too high after missing dialysis. Please do not miss "
            "sessions, and avoid oranges, bananas and potatoes."
        ),
        warning="weakness, palpitations, or shortness of breath",
        vitals=BRADYCARDIC,
        exam={"Lungs": "bibasilar crackles", "Extremities": "left arm fistula with thrill, 1+ edema"},
    ),
    "obstructing_stone": Narrative(
        story=(
            "The pain came in waves and [radiated to the groin|was 10/10].",
            "[{He} passed a stone 5 years ago.|{He} has never had a stone.]",
            "CT abdomen showed a {stone} mm {side} ureteral stone with hydronephrosis. Creatinine was {creatinine}.",
        ),
        course=(
            "{He} received {treatment}.",
            "Creatinine improved from {creatinine} to {creatinine_last} after decompression.",
            "Definitive ureteroscopy is planned in clinic.",
        ),
        advice=(
            "You were admitted with a kidney stone, and a stent was placed. The stent must be removed; please keep "
            "your appointment. Strain your urine."
        ),
        warning="fever, uncontrolled pain, or inability to urinate",
        vitals=IN_PAIN,
        exam={"Abdomen": "soft, {side} CVA tenderness", "General": "writhing, cannot get comfortable"},
    ),
}
