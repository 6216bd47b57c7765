"""Gynaecological, obstetric and urological reasons for admission."""

from lab_lens.notes.synthesis.model import Event, LabFinding, Plan, Scenario, Span, Start, Stop
from lab_lens.notes.synthesis.scenarios.events import BLOOD_LOSS_ANEMIA

SCENARIOS = (
    Scenario(
        key="hysterectomy",
        service="GYNECOLOGY",
        diagnosis="symptomatic uterine fibroids",
        label="hysterectomy",
        complaint=("Heavy menstrual bleeding", "Pelvic pain"),
        presenting=("heavy menstrual bleeding", "pelvic pressure and heavy bleeding"),
        onset=("", 0, 0),
        denies=("postcoital bleeding", "dysuria", "fever", "constipation"),
        labs=(LabFinding("hemoglobin", (8.6, 11.4), (8.0, 10.4)), LabFinding("ferritin", (4, 18), (4, 18))),
        imaging=(("Pelvic ultrasound", "a {weeks} week uterus with a {fibroid} cm fibroid"),),
        slots={
            "approach": ("total abdominal", "total laparoscopic", "robotic assisted"),
            "weeks": ("12", "14", "16", "18"),
            "fibroid": ("5.4", "6.8", "7.5", "8.2"),
            "blood_loss": ("150", "200", "300", "400"),
        },
        procedure=Event(
            "{approach} hysterectomy",
            ("{approach_title} hysterectomy was performed with {blood_loss} mL of blood loss.",),
            procedure="{approach_title} hysterectomy",
        ),
        complications=(
            Event("postoperative fever", ("Fever on postoperative day 1 resolved without a source.",), 0.18),
            BLOOD_LOSS_ANEMIA,
        ),
        plans=(
            Plan(
                "analgesia", (Start(("oxycodone 5 mg", "acetaminophen 1000 mg"), (4, 6)), Start(("docusate 100 mg",)))
            ),
            Plan(
                "ketorolac and acetaminophen",
                (Start(("ibuprofen 600 mg", "acetaminophen 650 mg"), (5, 7)), Start(("senna 8.6 mg",))),
            ),
        ),
        required=("uterine fibroids",),
        likely=("iron deficiency anemia", "obesity"),
        clinics=("Gynecology",),
        ages=(32, 54),
        sex="F",
        weight=1.6,
        stay_days=(1, 3),
        elective=True,
        dispositions=(("Home", 1.0),),
    ),
    Scenario(
        key="preeclampsia",
        service="OBSTETRICS",
        diagnosis="postpartum severe preeclampsia",
        label="preeclampsia",
        complaint=("Headache", "Elevated blood pressure"),
        presenting=("headache {postpartum} days after delivery", "headache and scotomata {postpartum} days postpartum"),
        onset=("hours", 6, 36),
        denies=("chest pain", "right upper quadrant pain", "seizure", "dyspnea"),
        labs=(
            LabFinding("platelets", (102, 168), (170, 290)),
            LabFinding("ALT", (46, 140), (25, 60)),
            LabFinding("creatinine", (0.8, 1.3), (0.6, 0.9)),
        ),
        imaging=(("CT head", "no hemorrhage"),),
        slots={"postpartum": Span(3, 8), "systolic": Span(164, 188), "diastolic": Span(102, 118)},
        complications=(Event("pulmonary edema", ("Pulmonary edema responded to IV furosemide.",), 0.12),),
        plans=(
            Plan(
                "magnesium and IV labetalol",
                (
                    Start(("labetalol 200 mg", "nifedipine ER 30 mg"), replaces=True),
                    Start(("ferrous sulfate 325 mg",), chance=0.4),
                ),
            ),
            Plan(
                "magnesium and hydralazine", (Start(("nifedipine ER 30 mg",)), Start(("labetalol 100 mg",), chance=0.4))
            ),
        ),
        stops=(Stop(("NSAID", "RAS inhibitor"), "because of hypertension postpartum"),),
        precipitants=(("ibuprofen 600 mg", 0.6),),
        unlikely=("hypertension", "coronary artery disease", "hyperlipidemia"),
        clinics=("Obstetrics",),
        ages=(19, 43),
        sex="F",
        weight=1.3,
        stay_days=(2, 4),
        dispositions=(("Home", 1.0),),
    ),
    Scenario(
        key="prostate_resection",
        service="UROLOGY",
        diagnosis="urinary retention from prostatic hyperplasia",
        label="transurethral resection of the prostate",
        complaint=("Urinary retention",),
        presenting=("inability to void and suprapubic pain", "urinary retention despite tamsulosin"),
        onset=("hours", 8, 30),
        denies=("fever", "flank pain", "back pain", "gross hematuria"),
        labs=(LabFinding("creatinine", (1.4, 2.8), (1.0, 1.5)), LabFinding("hemoglobin", (12.0, 14.2), (10.6, 12.8))),
        imaging=(("Renal ultrasound", "bilateral hydronephrosis and a {grams} g prostate"),),
        slots={"grams": ("65", "80", "95", "110"), "drained": ("900", "1100", "1300", "1500"), "or_day": ("2", "3")},
        procedure=Event(
            "transurethral resection of the prostate",
            ("Transurethral resection of the prostate was done on hospital day {or_day}.",),
            procedure="Transurethral resection of the prostate",
        ),
        complications=(
            Event("hematuria", ("Hematuria cleared with continuous bladder irrigation.",), 0.3),
            Event("postobstructive diuresis", ("Postobstructive diuresis was matched with IV fluids.",), 0.2),
        ),
        plans=(
            Plan(
                "Foley catheter drainage",
                (Start(("finasteride 5 mg",)), Start(("ciprofloxacin 500 mg", "cephalexin 500 mg"), (3, 5))),
            ),
            Plan(
                "catheter drainage and ceftriaxone",
                (Start(("cefpodoxime 200 mg",), (5, 7)), Start(("docusate 100 mg",))),
            ),
            Plan("bladder decompression", (Start(("finasteride 5 mg",)), Start(("docusate 100 mg",)))),
        ),
        stops=(Stop(("NSAID", "aspirin"), "because of hematuria risk"),),
        required=("benign prostatic hyperplasia",),
        likely=("hypertension",),
        unlikely=("end-stage renal disease",),
        clinics=("Urology",),
        ages=(58, 92),
        sex="M",
        weight=1.9,
        stay_days=(3, 5),
        dispositions=(("Home", 0.6), ("Home With Service", 0.4)),
    ),
)
