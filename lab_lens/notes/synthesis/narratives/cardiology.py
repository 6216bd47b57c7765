"""Prose of the cardiology scenarios."""

from lab_lens.notes.synthesis.narrative import BRADYCARDIC, HYPERTENSIVE, HYPOXIC, TACHYCARDIC, Narrative

NARRATIVES = {
    "heart_failure": Narrative(
        story=(
            "{He} [sleeps on three pillows|wakes at night short of breath] and has gained about {pounds} pounds.",
            (
                "[{He} admits to salty food over the holidays.|{He} ran out of some medications last week.|No clear "
                "dietary trigger was found.]"
            ),
            "In the ED BNP was {BNP} and chest x-ray showed pulmonary edema with {side} pleural effusion.",
            "{He} received furosemide IV [with good initial urine output|with modest response] and was admitted.",
        ),
        course=(
            "{He} was volume overloaded and was diuresed with {treatment}, net negative {liters} liters over the stay.",
            "Echocardiogram showed LVEF {ef}%[, unchanged from prior|, with moderate mitral regurgitation|].",
            "Weight at discharge, considered dry, was {dry_weight} kg.",
            "BNP fell from {BNP} to {BNP_last}.",
        ),
        advice=(
            "You were admitted with fluid overload from heart failure. Weigh yourself every morning and keep to a 2 "
            "gram sodium diet."
        ),
        warning="weight gain of more than 3 pounds, leg swelling, or worsening shortness of breath",
        vitals=HYPOXIC,
        exam={
            "Neck": "JVP elevated to the angle of the jaw",
            "Lungs": "crackles halfway up both lung fields",
            "Cardiac": "regular, S3 present",
            "Extremities": "2+ pitting edema to the knees",
        },
    ),
    "af_rvr": Narrative(
        story=(
            (
                "{He} [noticed an irregular pulse|felt {his} heart pounding] and [checked a rate of 140 at home|came "
                "to the ED when it did not stop]."
            ),
            "In the ED ECG showed atrial fibrillation at a rate of {rate}.",
            "[{He} had been drinking more coffee than usual.|A recent cold was the only trigger found.|]",
        ),
        course=(
            "Rate was controlled with {treatment}, then oral agents.",
            "TSH was {TSH} and magnesium {magnesium}, which was repleted.",
            "Echocardiogram showed LVEF {ef}% and a dilated left atrium.",
            "Stroke risk was discussed and {he} agreed to anticoagulation.",
        ),
        advice=(
            "You were admitted with a fast irregular heart rhythm called atrial fibrillation. You now take a blood "
            "thinner to prevent a stroke."
        ),
        warning="palpitations, fainting, weakness of one side, or any bleeding",
        vitals=TACHYCARDIC,
        exam={"Cardiac": "irregularly irregular, tachycardic, no murmur"},
    ),
    "heart_block": Narrative(
        story=(
            (
                "{He} was [standing in the kitchen|getting out of a car] when {he} [felt faint|collapsed briefly] "
                "without warning."
            ),
            "EMS found a heart rate in the 30s.",
            "ECG showed complete heart block with an escape rate of {rate}.",
        ),
        course=(
            "{He} was stabilized with {treatment} and taken to the CCU.",
            "Nodal agents were held and Lyme serology was negative.",
            (
                "Interrogation the next morning showed normal device function, and chest x-ray showed leads in good "
                "position without pneumothorax."
            ),
            "Echocardiogram showed LVEF {ef}%.",
        ),
        advice=(
            "You were admitted because your heart was beating too slowly and a pacemaker was placed. Do not lift your "
            "arm above the shoulder for 6 weeks."
        ),
        warning="fainting, fever, or redness, swelling or drainage at the pacemaker site",
        vitals=BRADYCARDIC,
        exam={"Cardiac": "bradycardic, regular, cannon A waves", "Neuro": "alert, no focal deficit, no head injury"},
    ),
    "hypertensive_emergency": Narrative(
        story=(
            (
                "[{He} had not refilled {his} blood pressure medications for a month.|{He} reports taking {his} "
                "medications most days.]"
            ),
            "Blood pressure was {systolic}/{diastolic} on arrival.",
            "CT head showed no hemorrhage, and creatinine was {creatinine}.",
        ),
        course=(
            "{He} was admitted to the ICU and treated with {treatment}, with a goal reduction of 25% in the first day.",
            "Headache and vision [improved|resolved] as pressure came down from {systolic}/{diastolic}.",
            (
                "Creatinine fell from {creatinine} to {creatinine_last}, and troponin T of {troponin_T} was "
                "attributed to demand."
            ),
            "[Renal artery ultrasound showed no stenosis.|Plasma metanephrines were sent.]",
        ),
        advice=(
            "You were admitted with dangerously high blood pressure. Take your blood pressure pills every day and "
            "measure your pressure at home."
        ),
        warning="severe headache, change in vision, chest pain, or weakness",
        vitals=HYPERTENSIVE,
        exam={"HEENT": "fundi with flame hemorrhages", "Neuro": "alert, no focal deficit"},
    ),
}
