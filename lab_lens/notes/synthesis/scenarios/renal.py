"""Renal reasons for admission, and stones."""

from lab_lens.notes.synthesis.model import Event, LabFinding, Plan, Scenario, Span, Start, Stop

_AKI_STOP = Stop(("RAS inhibitor", "NSAID", "biguanide", "loop diuretic", "thiazide"), "because of acute kidney injury")

SCENARIOS = (
    Scenario(
        key="acute_kidney_injury",
        service="MEDICINE",
        diagnosis="prerenal acute kidney injury",
        label="acute kidney injury",
        complaint=("Weakness", "Decreased urine output"),
        presenting=(
            "weakness and poor intake",
            "vomiting and decreased urine output",
            "dizziness after gastroenteritis",
        ),
        onset=("days", 2, 6),
        denies=("dysuria", "hematuria", "chest pain", "flank pain"),
        labs=(
            LabFinding("creatinine", (2.6, 5.8), (1.1, 1.9)),
            LabFinding("BUN", (52, 98), (18, 34)),
            LabFinding("potassium", (5.2, 6.3), (4.0, 4.8)),
        ),
        imaging=(("Renal ultrasound", "no hydronephrosis"),),
        slots={"fluid_liters": Span(2, 5)},
        complications=(
            Event(
                "hyperkalemia",
                ("Hyperkalemia with peaked T waves was treated with calcium, insulin and dextrose.",),
                0.3,
            ),
        ),
        plans=(
            Plan(
                "{fluid_liters} liters of IV fluid",
                (Start(("sodium bicarbonate 650 mg",), chance=0.4), Start(("amlodipine 5 mg",))),
            ),
            Plan("isotonic bicarbonate and IV fluids", (Start(("sodium bicarbonate 650 mg",)),)),
        ),
        precipitants=(("lisinopril 20 mg", 0.6), ("naproxen 500 mg", 0.35), ("furosemide 40 mg", 0.3)),
        stops=(_AKI_STOP,),
        likely=("hypertension", "type 2 diabetes mellitus"),
        unlikely=("end-stage renal disease",),
        clinics=("Nephrology",),
        ages=(40, 95),
        weight=1.6,
        stay_days=(2, 6),
        recurs=True,
    ),
    Scenario(
        key="missed_dialysis",
        service="MEDICINE",
        diagnosis="hyperkalemia from missed dialysis",
        label="hyperkalemia",
        complaint=("Weakness", "Shortness of breath"),
        presenting=("weakness after missing {missed} dialysis sessions", "dyspnea and weakness"),
        onset=("days", 1, 3),
        denies=("chest pain", "fever", "access site pain", "palpitations"),
        labs=(LabFinding("potassium", (6.4, 8.1), (4.0, 4.9)), LabFinding("creatinine", (8.2, 13.5), (5.4, 7.8))),
        imaging=(("ECG", "peaked T waves"), ("Chest x-ray", "pulmonary vascular congestion")),
        slots={"missed": ("two", "three"), "removed": ("3", "3.5", "4")},
        procedure=Event(
            "urgent hemodialysis",
            ("Urgent hemodialysis removed {removed} liters and normalized potassium.",),
            procedure="Hemodialysis",
        ),
        complications=(
            Event(
                "access stenosis",
                ("A fistulogram showed stenosis, which was dilated.",),
                0.3,
                procedure="Fistulogram with balloon angioplasty",
            ),
        ),
        plans=(
            Plan(
                "calcium gluconate, insulin and dextrose",
                (Start(("amlodipine 5 mg",)), Start(("calcitriol 0.25 mcg",))),
            ),
            Plan("calcium gluconate and albuterol", (Start(("nifedipine ER 30 mg",)),)),
        ),
        stops=(Stop(("RAS inhibitor", "aldosterone antagonist"), "because of hyperkalemia"),),
        required=("end-stage renal disease",),
        likely=("hypertension", "type 2 diabetes mellitus"),
        clinics=("Nephrology", "Transplant"),
        ages=(28, 84),
        weight=1.1,
        stay_days=(2, 4),
        recurs=True,
    ),
    Scenario(
        key="obstructing_stone",
        service="UROLOGY",
        diagnosis="obstructing {side} ureteral stone",
        label="nephrolithiasis",
        complaint=("Flank pain",),
        presenting=("severe {side} flank pain", "{side} flank pain and vomiting"),
        onset=("hours", 6, 48),
        denies=("fever", "gross hematuria", "diarrhea", "pelvic pain"),
        labs=(LabFinding("creatinine", (1.2, 2.3), (0.8, 1.3)), LabFinding("WBC", (9.4, 15.8), (6.5, 10.5))),
        imaging=(("CT abdomen", "a {stone} mm {side} ureteral stone with hydronephrosis"),),
        slots={"side": ("left", "right"), "stone": ("6", "7", "8", "9", "11")},
        procedure=Event(
            "{side} ureteral stent",
            ("Cystoscopy with placement of a {side} ureteral stent relieved the obstruction.",),
            procedure="Cystoscopy, {side} ureteral stent placement",
        ),
        complications=(Event("urinary tract infection", ("Urine culture grew E. coli and was treated.",), 0.25),),
        plans=(
            Plan(
                "ketorolac and IV fluids",
                (Start(("tamsulosin 0.4 mg",)), Start(("oxycodone 5 mg", "acetaminophen 1000 mg"), (3, 5))),
            ),
            Plan(
                "hydromorphone and ceftriaxone", (Start(("tamsulosin 0.4 mg",)), Start(("cefpodoxime 200 mg",), (5, 7)))
            ),
            Plan("analgesia", (Start(("tamsulosin 0.4 mg",)), Start(("acetaminophen 1000 mg",)))),
        ),
        likely=("obesity", "gout"),
        unlikely=("end-stage renal disease",),
        clinics=("Urology",),
        ages=(24, 80),
        weight=1.2,
        stay_days=(1, 3),
        dispositions=(("Home", 1.0),),
    ),
)
