"""Prose of the coronary scenarios."""

from lab_lens.notes.synthesis.narrative import HYPOTENSIVE, IN_PAIN, STABLE, Narrative

NARRATIVES = {
    "nstemi": Narrative(
        story=(
            (
                "The pain [came on at rest|began while climbing stairs|woke {him} from sleep] and was [rated "
                "7/10|described as a heavy weight]."
            ),
            "[Nitroglycerin from EMS brought partial relief.|It was not relieved by antacids.]",
            "In the ED, ECG showed ST depressions in {leads} and the first troponin T was {troponin_T}.",
            "{He} was given aspirin [and started on a heparin drip|and heparin] and admitted to cardiology.",
        ),
        course=(
            "{He} was managed with {treatment} and remained chest pain free on the floor.",
            (
                "Cardiac catheterization [showed|revealed] {stenosis}% stenosis of the {vessel}[, with otherwise mild "
                "disease|]."
            ),
            "Echocardiogram showed LVEF {ef}%[ without significant valvular disease|].",
            "Troponin T was {troponin_T} at presentation and {troponin_T_last} before discharge.",
        ),
        advice=(
            "You were admitted with a heart attack and a stent was placed in one of the arteries of your heart. Do "
            "not stop aspirin or the other blood thinner unless your cardiologist tells you to."
        ),
        warning="chest pain, shortness of breath, bleeding at the groin, or lightheadedness",
        vitals=IN_PAIN,
        exam={"General": "mildly uncomfortable, diaphoretic", "Cardiac": "regular rhythm, no murmur, no rub"},
    ),
    "stemi": Narrative(
        story=(
            (
                "Symptoms began [while shoveling snow|at rest|while walking the dog] and [EMS was called|{he} was "
                "driven in by family]."
            ),
            "Prehospital ECG showed ST elevations in {leads} and the catheterization lab was activated.",
            "{He} received aspirin 325 mg and [a heparin bolus|heparin] in the ED and went directly to the lab.",
        ),
        course=(
            "Emergent angiography showed complete occlusion of the {vessel}.",
            "{He} was treated with {treatment} around the intervention and transferred to the CCU.",
            "Troponin T peaked at {troponin_T} and CK at {CK}.",
            "Echocardiogram [on day 2|before discharge] showed LVEF {ef}% with regional hypokinesis and no thrombus.",
        ),
        advice=(
            "You had a large heart attack. A blocked artery was opened with a stent. You must take your two blood "
            "thinning pills every day."
        ),
        warning="chest pain, fainting, weight gain of more than 3 pounds, or bleeding",
        vitals=HYPOTENSIVE,
        exam={
            "General": "pale and diaphoretic",
            "Cardiac": "regular, soft S1, no murmur",
            "Extremities": "cool, no edema",
        },
    ),
    "cabg": Narrative(
        story=(
            "[Symptoms have limited {him} to one flight of stairs.|Angina now comes with minimal exertion.]",
            (
                "Cardiac catheterization showed three vessel disease with {stenosis}% left main stenosis, and {he} "
                "was referred for surgery."
            ),
            "[Carotid ultrasound showed no significant stenosis.|Preoperative pulmonary function was adequate.]",
        ),
        course=(
            (
                "{He} was transferred to the CVICU in stable condition and [extubated that evening|extubated within "
                "12 hours]."
            ),
            "Postoperative care included {treatment}.",
            "Chest tubes and pacing wires were removed without incident.",
            "Hemoglobin was {hemoglobin_last} at discharge and echocardiogram showed LVEF {ef}%.",
        ),
        advice=(
            "You had heart bypass surgery. Shower daily, keep the incisions dry, and lift nothing over 10 pounds for "
            "10 weeks. No driving for 1 month."
        ),
        warning="fever over 100.5, drainage from the incisions, or weight gain of more than 2 pounds in a day",
        vitals=STABLE,
        exam={"Cardiac": "regular rate and rhythm, II/VI systolic murmur"},
    ),
}
