"""Prose of the pulmonary scenarios."""

from lab_lens.notes.synthesis.narrative import HYPOXIC, IN_PAIN, PNEUMONIC, TACHYCARDIC, Narrative

NARRATIVES = {
    "pneumonia": Narrative(
        story=(
            (
                "[A grandchild at home had a cold.|{He} was seen at urgent care and sent home with cough "
                "syrup.|Symptoms began with a sore throat.]"
            ),
            "Sputum was [green|rust colored|yellow], and {he} had [rigors|chills] at home.",
            "In the ED chest x-ray showed {lobe} consolidation, WBC was {WBC} and lactate {lactate}.",
        ),
        course=(
            (
                "{He} was treated with {treatment} and supplemental oxygen at {oxygen} liters, which was weaned to "
                "room air."
            ),
            (
                "[Legionella and pneumococcal urinary antigens were negative.|Sputum culture grew oral flora.|Blood "
                "cultures had no growth.]"
            ),
            "WBC fell from {WBC} to {WBC_last} and {he} was afebrile for 48 hours before discharge.",
        ),
        advice=(
            "You were admitted with pneumonia and treated with antibiotics. Please finish the course even if you feel "
            "well."
        ),
        warning="fever, worsening cough, or shortness of breath",
        vitals=PNEUMONIC,
        exam={
            "Lungs": "bronchial breath sounds and crackles over the {lobe}",
            "General": "tired, speaking in short sentences",
        },
    ),
    "copd": Narrative(
        story=(
            (
                "{He} has a {pack_years} pack-year smoking history and [uses 2 liters of oxygen at home|is not on "
                "home oxygen]."
            ),
            "[Sputum changed from clear to green.|{He} used the rescue inhaler every 2 hours.]",
            "In the ED {he} was using accessory muscles, with a pCO2 of {pco2} and bicarbonate of {bicarbonate}.",
            "Chest x-ray showed hyperinflation without consolidation.",
        ),
        course=(
            "{He} received {treatment}, with oxygen at {oxygen} liters for a goal saturation of 88 to 92%.",
            "[Walking saturation was above 90% on the day of discharge.|{He} was weaned to the home level of oxygen.]",
            "Smoking cessation was discussed[ at length|], and inhaler technique was reviewed.",
        ),
        advice=(
            "You were admitted with a flare of your COPD. Finish the steroid and the antibiotic, and use your "
            "inhalers as prescribed."
        ),
        warning="worsening shortness of breath, fever, or confusion",
        vitals=HYPOXIC,
        exam={
            "Lungs": "diffuse expiratory wheezes, prolonged expiration, no crackles",
            "General": "tripoding, pursed lip breathing",
        },
    ),
    "asthma": Narrative(
        story=(
            (
                "[A new cat in the home was the suspected trigger.|Symptoms followed a cold.|{He} had run out of the "
                "controller inhaler.]"
            ),
            "{He} used albuterol every hour without relief.",
            "Peak flow in the ED was {peak_flow}, and chest x-ray showed no acute process.",
        ),
        course=(
            "{He} was treated with {treatment}, and peak flow rose from {peak_flow} to {peak_flow_after}.",
            "Nebulizers were spaced to every 4 hours and {he} ambulated without desaturation.",
            "An asthma action plan was [reviewed|written].",
        ),
        advice=(
            "You were admitted with an asthma attack. Use your controller inhaler every day, not just when you feel "
            "ill."
        ),
        warning="shortness of breath that does not improve with albuterol",
        vitals=HYPOXIC,
        exam={"Lungs": "tight, diffuse inspiratory and expiratory wheezes", "General": "anxious, speaking in phrases"},
    ),
    "pulmonary_embolism": Narrative(
        story=(
            "The likely provoking factor was {provoked}.",
            "[{He} felt well until the day of onset.|Symptoms were worse with a deep breath.]",
            "CTA chest showed {extent} pulmonary emboli; troponin T was {troponin_T} and BNP {BNP}.",
        ),
        course=(
            "{He} was hemodynamically stable and treated with {treatment}.",
            "Echocardiogram showed right ventricular strain without the need for thrombolysis.",
            "[Lower extremity ultrasound showed no residual clot.|Lower extremity ultrasound showed a popliteal clot.]",
            "Duration of anticoagulation will be decided in clinic, with at least 3 months planned.",
        ),
        advice=(
            "You were admitted with blood clots in your lungs and started on a blood thinner. Avoid ibuprofen, "
            "naproxen and similar medications."
        ),
        warning="shortness of breath, chest pain, coughing blood, or any bleeding",
        vitals=TACHYCARDIC,
        exam={"Lungs": "clear bilaterally, splinting", "Extremities": "right calf fuller than the left"},
    ),
    "pneumothorax": Narrative(
        story=(
            "{He} was [sitting at a desk|at rest|carrying groceries] when the pain began.",
            "[{He} smokes half a pack a day.|{He} vapes daily.|]",
            "Chest x-ray showed a {size} {side} pneumothorax without tension.",
        ),
        course=(
            "{He} was placed on {treatment} in the ED, and a chest tube was connected to suction.",
            "CT chest showed apical blebs.",
            "The final chest x-ray after tube removal showed a fully expanded lung.",
        ),
        advice=(
            "You were admitted with a collapsed lung that was treated with a chest tube. Do not fly or scuba dive "
            "until you are cleared, and please do not smoke."
        ),
        warning="sudden chest pain or shortness of breath",
        vitals=IN_PAIN,
        exam={"Lungs": "decreased breath sounds on the {side}, hyperresonant", "General": "thin, uncomfortable"},
    ),
}
