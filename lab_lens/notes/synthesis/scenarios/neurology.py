"""Neurological reasons for admission."""

from lab_lens.notes.synthesis.model import Adjust, Event, LabFinding, Plan, Scenario, Span, Start, Stop

_ASPIRATION = Event(
    "aspiration pneumonia",
    ("{He} [developed|had] fever and a new infiltrate, and was treated for aspiration pneumonia.",),
    0.14,
    starts=(Start(("amoxicillin-clavulanate 875 mg", "clindamycin 300 mg"), (4, 6)),),
)

SCENARIOS = (
    Scenario(
        key="stroke",
        service="NEUROLOGY",
        diagnosis="acute {territory} ischemic stroke",
        label="ischemic stroke",
        complaint=("Weakness", "Slurred speech"),
        presenting=(
            "{weak_side} arm weakness and slurred speech",
            "{weak_side} sided weakness",
            "facial droop and {weak_side} arm weakness",
        ),
        onset=("hours", 2, 18),
        denies=("headache", "seizure", "vertigo", "palpitations", "visual loss"),
        labs=(LabFinding("hemoglobin A1c", (5.4, 8.8), (5.4, 8.8)), LabFinding("glucose", (110, 210), (100, 160))),
        imaging=(
            ("MRI brain", "an acute {territory} infarct"),
            ("Echocardiogram", "LVEF {ef}% without thrombus"),
        ),
        slots={
            "territory/weak_side": (
                "left MCA/right",
                "right MCA/left",
                "left pontine/right",
                "right pontine/left",
                "left corona radiata/right",
                "right thalamic/left",
            ),
            "ef": ("50", "55", "60"),
            "nihss": Span(3, 14),
            "ldl": Span(96, 178),
        },
        procedure=Event(
            "tPA", ("{He} received IV tPA {tpa_minutes} minutes after arrival.",), 0.3, procedure="Intravenous tPA"
        ),
        complications=(
            _ASPIRATION,
            Event("dysphagia", ("{He} failed a swallow study and was placed on a modified diet.",), 0.25),
        ),
        plans=(
            Plan(
                "aspirin and permissive hypertension",
                (
                    Start(("aspirin 81 mg", "clopidogrel 75 mg")),
                    Start(("atorvastatin 80 mg", "rosuvastatin 20 mg"), replaces=True),
                ),
            ),
            Plan(
                "aspirin and clopidogrel",
                (
                    Start(("clopidogrel 75 mg",)),
                    Start(("aspirin 81 mg",), (21, 21)),
                    Start(("atorvastatin 40 mg", "rosuvastatin 20 mg"), replaces=True),
                ),
            ),
        ),
        adjusts=(Adjust("RAS inhibitor", 1, "for blood pressure control"),),
        likely=("hypertension", "hyperlipidemia", "type 2 diabetes mellitus"),
        unlikely=(
            "systolic heart failure",
            "atrial fibrillation",
        ),
        clinics=("Stroke", "Neurology"),
        ages=(45, 95),
        weight=1.7,
        stay_days=(3, 7),
        dispositions=(("Home With Service", 0.3), ("Rehabilitation", 0.7)),
    ),
    Scenario(
        key="seizure",
        service="NEUROLOGY",
        diagnosis="breakthrough seizure",
        label="breakthrough seizures",
        complaint=("Seizure",),
        presenting=(
            "a generalized tonic-clonic seizure",
            "two witnessed seizures",
            "a seizure with prolonged confusion",
        ),
        onset=("hours ago", 1, 8),
        denies=("fever", "head trauma", "alcohol use", "missed doses"),
        labs=(LabFinding("lactate", (2.6, 6.8), (0.9, 1.5)), LabFinding("CK", (240, 1100), (90, 200))),
        imaging=(("CT head", "no acute hemorrhage"), ("EEG", "{eeg} epileptiform discharges")),
        slots={"eeg": ("left temporal", "right temporal", "left frontal", "bifrontal")},
        complications=(
            _ASPIRATION,
            Event("tongue laceration", ("A tongue laceration was managed conservatively.",), 0.2),
        ),
        plans=(
            Plan(
                "lorazepam and a levetiracetam load",
                (Start(("lacosamide 50 mg",), chance=0.4), Start(("levetiracetam 750 mg",))),
            ),
            Plan("lorazepam and lacosamide", (Start(("lacosamide 100 mg",)),)),
        ),
        adjusts=(
            Adjust("levetiracetam", 1, "because of breakthrough seizures"),
            Adjust("lamotrigine", 1, "because of breakthrough seizures"),
        ),
        required=("seizure disorder",),
        clinics=("Epilepsy", "Neurology"),
        ages=(17, 84),
        weight=1.3,
        stay_days=(2, 4),
        recurs=True,
    ),
    Scenario(
        key="subdural",
        service="NEUROSURGERY",
        diagnosis="{side} subdural hematoma",
        label="subdural hematoma",
        complaint=("Headache", "Fall"),
        presenting=("headache after a fall", "confusion after a fall", "gait instability after a fall"),
        onset=("days ago", 1, 9),
        denies=("loss of consciousness", "vomiting", "neck pain", "visual changes"),
        labs=(LabFinding("INR", (1.0, 1.3), (1.0, 1.2)), LabFinding("platelets", (160, 320), (160, 320))),
        imaging=(("CT head", "a {thickness} mm {side} subdural hematoma with {shift} mm of midline shift"),),
        slots={"side": ("left", "right"), "thickness": Span(8, 21), "shift": Span(3, 9)},
        procedure=Event(
            "{side} burr hole evacuation",
            (
                (
                    "{He} was taken to the operating room for {side} burr hole evacuation, and a subdural drain "
                    "stayed for 2 days."
                ),
            ),
            0.7,
            procedure="{side_title} burr holes for evacuation of subdural hematoma",
        ),
        complications=(
            Event(
                "postoperative delirium",
                ("{He} was intermittently delirious, which cleared with reorientation.",),
                0.22,
            ),
        ),
        plans=(
            Plan(
                "platelets and seizure prophylaxis",
                (Start(("levetiracetam 500 mg",), (7, 7)), Start(("acetaminophen 650 mg",))),
            ),
            Plan(
                "blood pressure control and levetiracetam",
                (Start(("levetiracetam 1000 mg",), (7, 7)), Start(("docusate 100 mg",))),
            ),
        ),
        precipitants=(("aspirin 81 mg", 0.5), ("warfarin 3 mg", 0.3)),
        stops=(Stop(("aspirin", "P2Y12 inhibitor", "anticoagulant", "NSAID"), "because of the subdural hematoma"),),
        likely=("hypertension", "atrial fibrillation"),
        clinics=("Neurosurgery",),
        ages=(60, 95),
        weight=1.2,
        stay_days=(4, 9),
        dispositions=(("Home With Service", 0.35), ("Rehabilitation", 0.65)),
    ),
)
