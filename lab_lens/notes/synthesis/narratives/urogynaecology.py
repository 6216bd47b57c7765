"""Prose of the urogynaecology scenarios."""

from lab_lens.notes.synthesis.narrative import HYPERTENSIVE, IN_PAIN, STABLE, Narrative

NARRATIVES = {
    "hysterectomy": Narrative(
        story=(
            "{He} changes pads every [hour|two hours] on heavy days.",
            "[Hormonal therapy did not help.|An intrauterine device was expelled.] Endometrial biopsy was benign.",
            (
                "Pelvic ultrasound showed a {weeks} week uterus with a {fibroid} cm fibroid. Hemoglobin was "
                "{hemoglobin} and ferritin {ferritin}."
            ),
        ),
        course=(
            "Pain was controlled with {treatment}.",
            "The Foley was removed on postoperative day 1 and {he} voided.",
            "Pathology showed benign leiomyomata. Hemoglobin was {hemoglobin_last}.",
        ),
        advice="You had your uterus removed. Nothing in the vagina for 8 weeks, and no heavy lifting for 6 weeks.",
        warning="fever, heavy vaginal bleeding, or worsening pain",
        vitals=STABLE,
        exam={"Abdomen": "soft, firm mobile uterus to the umbilicus"},
    ),
    "preeclampsia": Narrative(
        story=(
            "{He} had an uncomplicated [vaginal delivery|cesarean delivery].",
            "Blood pressure at home was {systolic}/{diastolic}.",
            "Platelets were {platelets}, ALT {ALT} and creatinine {creatinine}. CT head showed no hemorrhage.",
        ),
        course=(
            "{He} was treated with {treatment} for 24 hours.",
            "Blood pressure fell from {systolic}/{diastolic} to the 130s over 80s, and headache resolved.",
            "Platelets recovered to {platelets_last} and ALT to {ALT_last}.",
        ),
        advice=(
            "You were admitted with high blood pressure after delivery, called preeclampsia. Check your blood "
            "pressure twice a day."
        ),
        warning="headache, change in vision, seizure, or shortness of breath",
        vitals=HYPERTENSIVE,
        exam={"Abdomen": "soft, fundus firm below the umbilicus", "Neuro": "3+ reflexes, no clonus"},
    ),
    "prostate_resection": Narrative(
        story=(
            "A Foley catheter drained {drained} mL of urine.",
            "[{He} had weak stream for years.|A cold medicine was taken the day before.]",
            "Creatinine was {creatinine}. Renal ultrasound showed bilateral hydronephrosis and a {grams} g prostate.",
        ),
        course=(
            "{He} was managed with {treatment} and failed a trial of voiding.",
            "Creatinine fell to {creatinine_last}.",
            "The catheter was removed after surgery, and {he} voided with small residuals.",
        ),
        advice=(
            "You had surgery on your prostate. Expect some blood in the urine for two weeks, and drink plenty of water."
        ),
        warning="inability to urinate, clots, or fever",
        vitals=IN_PAIN,
        exam={"Abdomen": "suprapubic fullness and tenderness", "Rectal": "smooth enlarged prostate, guaiac negative"},
    ),
}
