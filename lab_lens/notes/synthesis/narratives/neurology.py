"""Prose of the neurology scenarios."""

from lab_lens.notes.synthesis.narrative import HYPERTENSIVE, TACHYCARDIC, Narrative

NARRATIVES = {
    "stroke": Narrative(
        story=(
            "{He} was last seen well [the evening before|at breakfast|by {his} daughter at noon].",
            "Family noticed [a crooked smile|that {he} dropped a cup] and called EMS.",
            "On arrival NIHSS was {nihss}.",
            "CT head showed no hemorrhage.",
        ),
        course=(
            "MRI brain showed an acute {territory} infarct.",
            "{He} was treated with {treatment}.",
            (
                "Vessel imaging showed [no large vessel occlusion|mild carotid atherosclerosis], and telemetry showed "
                "no atrial fibrillation."
            ),
            (
                "Risk factors: LDL {ldl}, hemoglobin A1c {hemoglobin_A1c}. Echocardiogram showed LVEF {ef}% without "
                "thrombus."
            ),
            "{weak_side_title} sided strength [improved|was improving] with physical therapy.",
        ),
        advice=(
            "You were admitted with a stroke. To prevent another one, take your medications and keep your blood "
            "pressure and cholesterol controlled."
        ),
        warning="new weakness, numbness, trouble speaking, or loss of vision",
        vitals=HYPERTENSIVE,
        exam={
            "Neuro": "{weak_side} facial droop, {weak_side} arm 3/5, dysarthric, sensation reduced on the {weak_side}"
        },
    ),
    "seizure": Narrative(
        story=(
            "[{His} partner saw|Coworkers witnessed] stiffening and shaking of all limbs for 2 minutes.",
            "{He} was confused afterwards[ and bit the tongue|].",
            "[{He} had slept poorly for several nights.|{He} had a recent viral illness.|]",
            "CT head showed no acute hemorrhage, and lactate was {lactate}.",
        ),
        course=(
            "{He} was treated with {treatment} and had no further events.",
            "EEG showed {eeg} epileptiform discharges without seizures.",
            "[Drug levels and toxicology were unremarkable.|There was no evidence of infection.]",
        ),
        advice=(
            "You were admitted with a seizure. You may not drive for 6 months. Avoid missed doses, lack of sleep and "
            "alcohol."
        ),
        warning="another seizure, fever, or confusion",
        vitals=TACHYCARDIC,
        exam={"Neuro": "drowsy, follows commands, no focal weakness", "HEENT": "lateral tongue bite"},
    ),
    "subdural": Narrative(
        story=(
            "The fall was mechanical, [on ice|over a rug|from standing], and {he} did not seek care at first.",
            "Family noted that {he} was [slower than usual|sleepy and off balance].",
            "CT head showed a {thickness} mm {side} subdural hematoma with {shift} mm of midline shift.",
        ),
        course=(
            "{He} was admitted to the neurosurgical ICU and given {treatment}.",
            "Repeat CT head [was stable|showed decreased mass effect].",
            "Exam improved to full orientation, and physical therapy recommended [a walker|supervision].",
        ),
        advice=(
            "You were admitted with bleeding around the brain after a fall. Do not take aspirin, ibuprofen or any "
            "blood thinner until your neurosurgeon says so."
        ),
        warning="worsening headache, vomiting, weakness, seizure, or confusion",
        vitals=HYPERTENSIVE,
        exam={
            "Neuro": "oriented to person only, pronator drift on the other side, gait unsteady",
            "HEENT": "ecchymosis of the forehead",
        },
    ),
}
