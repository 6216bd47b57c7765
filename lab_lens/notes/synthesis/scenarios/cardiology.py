"""Heart failure, rhythm and blood pressure as reasons for admission."""

from lab_lens.notes.synthesis.model import Adjust, Event, LabFinding, Plan, Scenario, Span, Start, Stop
from lab_lens.notes.synthesis.scenarios.events import ACUTE_KIDNEY_INJURY

SCENARIOS = (
    Scenario(
        key="heart_failure",
        service="CARDIOLOGY",
        diagnosis="acute on chronic systolic heart failure",
        label="systolic heart failure exacerbation",
        complaint=("Shortness of breath", "Dyspnea on exertion", "Leg swelling"),
        presenting=("dyspnea and leg swelling", "orthopnea and weight gain", "progressive dyspnea on exertion"),
        onset=("days", 3, 14),
        denies=("chest pain", "fever", "cough"),
        labs=(LabFinding("BNP", (2100, 17500), (900, 2600)), LabFinding("creatinine", (1.2, 1.9), (1.1, 1.7))),
        imaging=(("Echocardiogram", "LVEF {ef}%"), ("Chest x-ray", "pulmonary edema with {side} pleural effusion")),
        slots={
            "ef": ("15", "20", "25", "30", "35"),
            "side": ("small left", "small right", "moderate right", "bilateral"),
            "liters": Span(3, 11),
            "dry_weight": Span(58, 112),
            "pounds": Span(6, 18),
        },
        complications=(
            ACUTE_KIDNEY_INJURY,
            Event("hypokalemia", ("Potassium fell to {low_potassium} with diuresis and was repleted.",), 0.18),
        ),
        plans=(
            Plan(
                "IV furosemide",
                (Start(("spironolactone 25 mg",), chance=0.5), Start(("torsemide 40 mg",), replaces=True, chance=0.25)),
            ),
            Plan("furosemide infusion and metolazone", (Start(("torsemide 40 mg", "torsemide 20 mg"), replaces=True),)),
        ),
        adjusts=(
            Adjust("loop diuretic", 1, "because of volume overload"),
            Adjust("beta-blocker", -1, "because of decompensated heart failure"),
        ),
        stops=(Stop(("calcium channel blocker", "NSAID"), "because of heart failure"),),
        required=("systolic heart failure",),
        likely=("coronary artery disease", "hypertension", "atrial fibrillation", "type 2 diabetes mellitus"),
        clinics=("Heart Failure", "Cardiology"),
        ages=(45, 95),
        weight=2.2,
        stay_days=(3, 9),
        recurs=True,
        dispositions=(("Home", 0.4), ("Home With Service", 0.4), ("Extended Care", 0.2)),
    ),
    Scenario(
        key="af_rvr",
        service="MEDICINE",
        diagnosis="atrial fibrillation with rapid ventricular response",
        label="AF with RVR",
        complaint=("Palpitations", "Lightheadedness"),
        presenting=("palpitations and lightheadedness", "a racing heart and fatigue", "palpitations and dyspnea"),
        onset=("days", 1, 4),
        denies=("chest pain", "syncope", "focal weakness", "heat intolerance"),
        labs=(LabFinding("TSH", (0.9, 3.8), (0.9, 3.8)), LabFinding("magnesium", (1.3, 1.7), (1.9, 2.3))),
        imaging=(
            ("ECG", "atrial fibrillation at a rate of {rate}"),
            ("Echocardiogram", "LVEF {ef}% and a dilated left atrium"),
        ),
        slots={"rate": Span(128, 172), "ef": ("50", "55", "60")},
        procedure=Event(
            "cardioversion",
            ("After a transesophageal echocardiogram without thrombus {he} was cardioverted to sinus rhythm.",),
            0.4,
            procedure="TEE and direct current cardioversion",
        ),
        complications=(
            Event("hypotension", ("{He} became hypotensive on the diltiazem drip, which was stopped.",), 0.2),
        ),
        plans=(
            Plan(
                "a diltiazem drip",
                (
                    Start(("apixaban 5 mg", "warfarin 5 mg")),
                    Start(("diltiazem ER 180 mg", "metoprolol succinate 100 mg")),
                ),
            ),
            Plan(
                "IV metoprolol",
                (
                    Start(("rivaroxaban 20 mg", "warfarin 5 mg")),
                    Start(("metoprolol succinate 100 mg", "diltiazem ER 120 mg")),
                ),
            ),
        ),
        adjusts=(Adjust("beta-blocker", 1, "for rate control"),),
        stops=(Stop(("NSAID",), "because of anticoagulation"),),
        likely=("hypertension", "obstructive sleep apnea"),
        unlikely=("systolic heart failure",),
        clinics=("Cardiology", "Electrophysiology"),
        ages=(45, 95),
        weight=1.4,
        stay_days=(2, 5),
        recurs=True,
    ),
    Scenario(
        key="heart_block",
        service="CARDIOLOGY",
        diagnosis="complete heart block",
        label="complete heart block status post pacemaker",
        complaint=("Syncope", "Dizziness"),
        presenting=("syncope", "recurrent near-syncope", "fatigue and dizziness"),
        onset=("days ago", 1, 5),
        denies=("chest pain", "seizure activity", "tick exposure", "incontinence"),
        labs=(LabFinding("troponin T", (0.01, 0.06), (0.01, 0.04)), LabFinding("potassium", (3.8, 5.0), (3.8, 4.8))),
        imaging=(
            ("ECG", "complete heart block with an escape rate of {rate}"),
            ("Chest x-ray", "leads in good position without pneumothorax"),
        ),
        slots={"rate": Span(28, 42), "ef": ("50", "55", "60"), "side": ("left", "right")},
        procedure=Event(
            "dual chamber pacemaker",
            ("A dual chamber pacemaker was placed on the {side} side on hospital day 2.",),
            procedure="Dual chamber pacemaker placement, {side} side",
        ),
        complications=(
            Event("pocket hematoma", ("A small pocket hematoma was managed with a pressure dressing.",), 0.15),
        ),
        plans=(
            Plan("transcutaneous pacing and atropine", (Start(("cephalexin 500 mg", "clindamycin 300 mg"), (3, 3)),)),
            Plan("a temporary pacing wire", (Start(("cephalexin 500 mg", "clindamycin 300 mg"), (5, 5)),)),
        ),
        precipitants=(("atenolol 50 mg", 0.3), ("diltiazem ER 180 mg", 0.3)),
        stops=(Stop(("beta-blocker", "diltiazem ER"), "because of heart block"),),
        likely=("hypertension",),
        unlikely=("systolic heart failure",),
        clinics=("Device", "Electrophysiology"),
        ages=(58, 95),
        stay_days=(2, 4),
    ),
    Scenario(
        key="hypertensive_emergency",
        service="MEDICINE",
        diagnosis="hypertensive emergency",
        label="hypertensive emergency",
        complaint=("Headache", "Blurry vision"),
        presenting=("severe headache and blurry vision", "headache and confusion", "headache and vomiting"),
        onset=("hours", 4, 36),
        denies=("chest pain", "focal weakness", "neck stiffness", "cocaine use"),
        labs=(LabFinding("creatinine", (1.4, 2.4), (1.1, 1.6)), LabFinding("troponin T", (0.02, 0.09), (0.01, 0.04))),
        imaging=(("CT head", "no hemorrhage"), ("ECG", "left ventricular hypertrophy with strain")),
        slots={"systolic": Span(208, 248), "diastolic": Span(112, 138)},
        complications=(
            Event(
                "relative hypotension",
                ("Blood pressure overshot to the 90s systolic once, and the drip was weaned.",),
                0.15,
            ),
        ),
        plans=(
            Plan(
                "a nicardipine drip", (Start(("amlodipine 10 mg",)), Start(("chlorthalidone 25 mg", "losartan 50 mg")))
            ),
            Plan(
                "a labetalol drip",
                (Start(("labetalol 200 mg", "amlodipine 10 mg"), replaces=True), Start(("amlodipine 5 mg",))),
            ),
        ),
        adjusts=(
            Adjust("RAS inhibitor", 1, "for blood pressure control"),
            Adjust("calcium channel blocker", 1, "for blood pressure control"),
        ),
        required=("hypertension",),
        likely=("chronic kidney disease stage 3", "obesity"),
        unlikely=("systolic heart failure",),
        clinics=("Hypertension", "Primary Care"),
        ages=(28, 82),
        stay_days=(2, 4),
        recurs=True,
    ),
)
