"""Coronary reasons for admission."""

from lab_lens.notes.synthesis.model import Event, LabFinding, Plan, Scenario, Start, Stop
from lab_lens.notes.synthesis.scenarios.events import ACUTE_KIDNEY_INJURY

_DUAL_ANTIPLATELET = (
    Start(("aspirin 81 mg",)),
    Start(("ticagrelor 90 mg", "clopidogrel 75 mg")),
    Start(("atorvastatin 80 mg", "rosuvastatin 20 mg"), replaces=True),
    Start(("metoprolol succinate 25 mg", "metoprolol succinate 50 mg"), chance=0.6),
)
_DUAL_ANTIPLATELET_CLOPIDOGREL = (
    Start(("aspirin 81 mg",)),
    Start(("clopidogrel 75 mg", "ticagrelor 90 mg")),
    Start(("atorvastatin 80 mg", "rosuvastatin 20 mg"), replaces=True),
    Start(("lisinopril 5 mg", "losartan 25 mg"), chance=0.6),
)

SCENARIOS = (
    Scenario(
        key="nstemi",
        service="CARDIOLOGY",
        diagnosis="non-ST elevation myocardial infarction",
        label="NSTEMI",
        complaint=("Chest pain", "Chest pressure"),
        presenting=("substernal chest pain", "chest pressure radiating to the left arm", "exertional chest pain"),
        onset=("hours", 2, 12),
        denies=("syncope", "palpitations", "fever", "leg swelling"),
        labs=(LabFinding("troponin T", (0.18, 1.4), (0.1, 0.5)), LabFinding("CK", (240, 900), (90, 190))),
        imaging=(
            ("Cardiac catheterization", "{stenosis}% stenosis of the {vessel}"),
            ("Echocardiogram", "LVEF {ef}%"),
            ("ECG", "ST depressions in {leads}"),
        ),
        slots={
            "vessel/leads": (
                "left anterior descending artery/V2-V5",
                "right coronary artery/II, III and aVF",
                "left circumflex artery/I and aVL",
            ),
            "stenosis": ("70", "80", "90", "95"),
            "ef": ("40", "45", "50", "55"),
        },
        procedure=Event(
            "drug-eluting stent to the {vessel}",
            (
                (
                    "[{He} was taken for|{He} underwent] catheterization with placement of a drug-eluting stent to "
                    "the {vessel}."
                ),
            ),
            procedure="Cardiac catheterization with drug-eluting stent to the {vessel}",
        ),
        complications=(
            ACUTE_KIDNEY_INJURY,
            Event(
                "groin hematoma",
                ("A groin hematoma [formed|developed] at the access site and resolved with manual pressure.",),
                0.12,
            ),
        ),
        plans=(
            Plan("heparin and aspirin", _DUAL_ANTIPLATELET),
            Plan("heparin and clopidogrel", _DUAL_ANTIPLATELET_CLOPIDOGREL),
        ),
        precipitants=(("ibuprofen 600 mg", 0.15),),
        stops=(Stop(("NSAID",), "because of recent myocardial infarction"),),
        likely=("hypertension", "hyperlipidemia", "type 2 diabetes mellitus"),
        unlikely=(
            "systolic heart failure",
            "atrial fibrillation",
        ),
        clinics=("Cardiology",),
        ages=(38, 92),
        weight=1.5,
        stay_days=(2, 5),
    ),
    Scenario(
        key="stemi",
        service="CARDIOLOGY",
        diagnosis="{wall} ST elevation myocardial infarction",
        label="STEMI",
        complaint=("Chest pain",),
        presenting=("crushing chest pain and diaphoresis", "sudden severe chest pain", "chest pain and vomiting"),
        onset=("hours", 1, 6),
        denies=("prior chest pain", "syncope", "back pain"),
        labs=(LabFinding("troponin T", (1.6, 9.5), (0.9, 3.0)), LabFinding("CK", (900, 3600), (150, 420))),
        imaging=(
            ("ECG", "ST elevations in {leads}"),
            ("Cardiac catheterization", "complete occlusion of the {vessel}"),
            ("Echocardiogram", "LVEF {ef}%"),
        ),
        slots={
            "wall/vessel/leads": (
                "anterior/left anterior descending artery/V1-V4",
                "inferior/right coronary artery/II, III and aVF",
                "lateral/left circumflex artery/I, aVL and V5-V6",
            ),
            "ef": ("30", "35", "40", "45", "50"),
        },
        procedure=Event(
            "drug-eluting stent to the {vessel}",
            ("The {vessel} was opened with a drug-eluting stent[ within 70 minutes|].",),
            procedure="Cardiac catheterization with drug-eluting stent to the {vessel}",
        ),
        complications=(
            Event(
                "cardiogenic shock",
                (
                    (
                        "{He} required dopamine and an intra-aortic balloon pump for {pressor_days} days for "
                        "cardiogenic shock."
                    ),
                ),
                0.14,
            ),
            Event(
                "nonsustained ventricular tachycardia",
                ("There were runs of nonsustained ventricular tachycardia in the first day, without recurrence.",),
                0.2,
            ),
            ACUTE_KIDNEY_INJURY,
        ),
        plans=(
            Plan("heparin and eptifibatide", _DUAL_ANTIPLATELET),
            Plan("bivalirudin", _DUAL_ANTIPLATELET_CLOPIDOGREL),
        ),
        likely=("hypertension", "hyperlipidemia"),
        unlikely=("systolic heart failure", "atrial fibrillation", "dementia"),
        clinics=("Cardiology",),
        ages=(35, 90),
        weight=1.2,
        stay_days=(3, 6),
    ),
    Scenario(
        key="cabg",
        service="CARDIOTHORACIC",
        diagnosis="three vessel coronary artery disease",
        label="CABG",
        complaint=("Exertional chest pain", "Elective bypass surgery"),
        presenting=(
            "exertional angina and an abnormal stress test",
            "progressive angina",
            "dyspnea on exertion and an abnormal stress test",
        ),
        onset=("", 0, 0),
        denies=("rest pain", "syncope", "orthopnea", "claudication"),
        labs=(LabFinding("hemoglobin", (11.8, 14.6), (8.4, 10.2)), LabFinding("creatinine", (0.8, 1.2), (0.8, 1.3))),
        imaging=(
            ("Cardiac catheterization", "three vessel disease with {stenosis}% left main stenosis"),
            ("Echocardiogram", "LVEF {ef}%"),
        ),
        slots={
            "stenosis": ("50", "60", "70"),
            "ef": ("40", "45", "50", "55", "60"),
            "grafts": ("three", "four"),
        },
        procedure=Event(
            "coronary artery bypass grafting x {grafts}",
            (
                (
                    "On [the day of admission|hospital day 2] {he} underwent coronary artery bypass grafting x "
                    "{grafts} with LIMA to LAD."
                ),
            ),
            procedure="Coronary artery bypass grafting x {grafts} (LIMA to LAD)",
        ),
        complications=(
            Event(
                "postoperative atrial fibrillation",
                ("On postoperative day {pod} {he} went into atrial fibrillation, which converted with amiodarone.",),
                0.33,
                starts=(Start(("amiodarone 200 mg",)),),
            ),
            Event(
                "postoperative anemia",
                ("{He} was transfused {units} units of red cells for postoperative anemia.",),
                0.2,
            ),
        ),
        plans=(
            Plan(
                "aspirin and diuresis",
                (
                    Start(("aspirin 81 mg",)),
                    Start(("furosemide 20 mg",), (7, 10)),
                    Start(("oxycodone 5 mg", "acetaminophen 650 mg")),
                ),
            ),
            Plan(
                "beta blockade and diuresis",
                (
                    Start(("metoprolol tartrate 25 mg",)),
                    Start(("furosemide 40 mg",), (5, 7)),
                    Start(("docusate 100 mg",)),
                ),
            ),
        ),
        stops=(Stop(("P2Y12 inhibitor", "RAS inhibitor"), "before surgery"),),
        required=("coronary artery disease",),
        likely=("hypertension", "hyperlipidemia", "type 2 diabetes mellitus"),
        unlikely=("systolic heart failure", "dementia", "atrial fibrillation"),
        clinics=("Cardiac Surgery",),
        ages=(45, 86),
        weight=1.3,
        stay_days=(5, 9),
        elective=True,
        dispositions=(("Home With Service", 0.7), ("Extended Care", 0.3)),
    ),
)
