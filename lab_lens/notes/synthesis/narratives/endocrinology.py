"""Prose of the endocrinology scenarios."""

from lab_lens.notes.synthesis.narrative import HYPOTENSIVE, STABLE, TACHYCARDIC, Narrative

NARRATIVES = {
    "dka": Narrative(
        story=(
            "The trigger appeared to be {trigger}.",
            "Home glucose readings were [over 400|too high to read].",
            (
                "In the ED glucose was {glucose}, bicarbonate {bicarbonate}, pH {pH} and the anion gap {gap}, with "
                "large ketones."
            ),
        ),
        course=(
            "{He} was admitted to the ICU for {treatment}, and the anion gap of {gap} closed within [14|18|22] hours.",
            "{He} was then bridged to subcutaneous insulin, and diet was resumed.",
            "Hemoglobin A1c was {a1c}. Diabetes educators reviewed sick day rules.",
        ),
        advice=(
            "You were admitted with diabetic ketoacidosis. Never skip your long acting insulin, even when you cannot "
            "eat."
        ),
        warning="vomiting, sugars over 300, or ketones in the urine",
        vitals=TACHYCARDIC,
        exam={
            "General": "Kussmaul breathing, fruity breath",
            "HEENT": "dry mucous membranes",
            "Abdomen": "soft, mild diffuse tenderness",
        },
    ),
    "hyponatremia": Narrative(
        story=(
            "Hydrochlorothiazide [was started 3 weeks ago|has been taken for some months].",
            "{He} had been [drinking a lot of water|eating mostly tea and toast].",
            "Sodium was {sodium}, with urine osmolality {urine_osm}. CT head showed no acute process.",
        ),
        course=(
            "{He} was treated with {treatment}, aiming at no more than 8 mEq/L a day.",
            "Sodium rose from {sodium} to {sodium_last}, and mental status returned to normal.",
            "TSH of {TSH} and morning cortisol were normal.",
        ),
        advice="You were admitted because your sodium was too low, caused by a water pill. Do not take it again.",
        warning="confusion, seizure, headache, or falls",
        vitals=STABLE,
        exam={"Neuro": "slow to answer, oriented to person and place, no focal deficit"},
    ),
    "hypoglycemia": Narrative(
        story=(
            "{He} had eaten little for two days but kept taking glipizide.",
            "EMS found a glucose of {glucose} and gave {amps} of D50.",
            "Creatinine was {creatinine}, and hemoglobin A1c {hemoglobin_A1c}.",
        ),
        course=(
            "{He} was treated with {treatment} and hourly glucose checks.",
            "Sulfonylurea accumulated because of a creatinine of {creatinine}, which improved to {creatinine_last}.",
            "Glucose was {glucose_last} at discharge. Tight control was felt to be unsafe.",
        ),
        advice="You were admitted with low blood sugar from glipizide. Do not take it any more, and do not skip meals.",
        warning="sweating, shaking, confusion, or sugars under 70",
        vitals=STABLE,
        exam={"General": "diaphoretic, improving after dextrose", "Neuro": "drowsy, then alert and oriented"},
    ),
    "thyrotoxicosis": Narrative(
        story=(
            "{He} has lost [10|15|20] pounds despite a good appetite.",
            "[{His} mother has thyroid disease.|{He} cannot sleep and feels on edge.]",
            "TSH was {TSH} with a free T4 of {t4}, and ECG showed sinus tachycardia at {rate}.",
        ),
        course=(
            "{He} was treated with {treatment}, and heart rate fell to the 80s.",
            (
                "Thyroid ultrasound showed a diffusely enlarged hypervascular gland; thyroid stimulating antibodies "
                "were positive."
            ),
            "Endocrinology discussed radioiodine and surgery for later.",
        ),
        advice=(
            "You were admitted with an overactive thyroid. Stop methimazole and call at once if you have a fever or "
            "sore throat."
        ),
        warning="fever, sore throat, palpitations, or yellow skin",
        vitals=TACHYCARDIC,
        exam={"Neck": "diffuse goiter with bruit", "HEENT": "lid lag", "Neuro": "fine tremor, brisk reflexes"},
    ),
    "adrenal_crisis": Narrative(
        story=(
            "The trigger was {trigger}; stress dosing was not taken.",
            "Blood pressure was {systolic} systolic, and 2 liters of saline had little effect.",
            "Sodium was {sodium} and potassium {potassium}.",
        ),
        course=(
            "{He} was treated with {treatment}, with prompt improvement of blood pressure.",
            "Cortisol before treatment was {cortisol}. CT abdomen showed atrophic adrenal glands.",
            "Sodium was {sodium_last} and potassium {potassium_last} at discharge. Sick day rules were reviewed.",
        ),
        advice=(
            "You were admitted with adrenal crisis. Double your hydrocortisone when you are ill, and wear a medical "
            "alert bracelet."
        ),
        warning="vomiting, fainting, fever, or weakness",
        vitals=HYPOTENSIVE,
        exam={"General": "lethargic", "Skin": "hyperpigmented palmar creases"},
    ),
}
