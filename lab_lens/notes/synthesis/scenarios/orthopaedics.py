"""Fracture and joint replacement as reasons for admission."""

from lab_lens.notes.synthesis.model import Event, LabFinding, Plan, Scenario, Span, Start, Stop
from lab_lens.notes.synthesis.scenarios.events import BLOOD_LOSS_ANEMIA, POSTOPERATIVE_DELIRIUM, URINARY_RETENTION

SCENARIOS = (
    Scenario(
        key="hip_fracture",
        service="ORTHOPAEDICS",
        diagnosis="{side} {fracture} hip fracture",
        label="hip fracture",
        complaint=("Hip pain", "Fall"),
        presenting=("{side} hip pain after a fall", "inability to walk after a mechanical fall"),
        onset=("hours ago", 2, 20),
        denies=("head strike", "loss of consciousness", "chest pain", "numbness"),
        labs=(LabFinding("hemoglobin", (9.8, 12.6), (8.2, 9.8)), LabFinding("sodium", (134, 141), (135, 141))),
        imaging=(("Hip x-ray", "a displaced {side} {fracture} fracture"),),
        slots={
            "side": ("left", "right"),
            "fracture/operation": (
                "intertrochanteric/intramedullary nailing",
                "femoral neck/hemiarthroplasty",
                "subtrochanteric/intramedullary nailing",
                "femoral neck/percutaneous pinning",
            ),
        },
        procedure=Event(
            "{side} hip {operation}",
            ("{He} underwent {side} hip {operation} on hospital day 2 [without complication|uneventfully].",),
            procedure="{side_title} hip {operation}",
        ),
        complications=(POSTOPERATIVE_DELIRIUM, BLOOD_LOSS_ANEMIA, URINARY_RETENTION),
        plans=(
            Plan(
                "analgesia and a nerve block",
                (
                    Start(("enoxaparin 40 mg", "aspirin 325 mg"), (28, 28)),
                    Start(("oxycodone 5 mg", "acetaminophen 1000 mg"), (5, 7)),
                ),
            ),
            Plan(
                "acetaminophen and traction",
                (
                    Start(("aspirin 325 mg",), (28, 28)),
                    Start(("calcium carbonate 500 mg",)),
                    Start(("cholecalciferol 2000 units",)),
                ),
            ),
            Plan("analgesia", (Start(("enoxaparin 30 mg",), (28, 28)), Start(("acetaminophen 650 mg",)))),
        ),
        stops=(Stop(("NSAID",), "after surgery"), Stop(("benzodiazepine",), "because of falls")),
        likely=("osteoporosis", "dementia", "hypertension"),
        clinics=("Orthopaedics",),
        ages=(64, 95),
        weight=1.9,
        stay_days=(4, 8),
        dispositions=(("Rehabilitation", 0.7), ("Extended Care", 0.3)),
    ),
    Scenario(
        key="knee_replacement",
        service="ORTHOPAEDICS",
        diagnosis="{side} knee osteoarthritis",
        label="knee replacement",
        complaint=("Knee pain",),
        presenting=("{side} knee pain limiting walking", "{side} knee pain despite injections"),
        onset=("", 0, 0),
        denies=("fever", "recent trauma", "chest pain", "calf pain"),
        labs=(LabFinding("hemoglobin", (12.2, 14.8), (9.0, 11.2)), LabFinding("creatinine", (0.7, 1.1), (0.7, 1.1))),
        imaging=(("Knee x-ray", "tricompartmental {side} knee osteoarthritis"),),
        slots={"side": ("left", "right"), "flexion": Span(80, 105)},
        procedure=Event(
            "{side} total knee replacement",
            ("On the day of admission {he} underwent {side} total knee replacement.",),
            procedure="{side_title} total knee arthroplasty",
        ),
        complications=(
            URINARY_RETENTION,
            BLOOD_LOSS_ANEMIA,
            Event("wound drainage", ("Serous wound drainage stopped after 2 days of dry dressings.",), 0.12),
        ),
        plans=(
            Plan(
                "a nerve block and oxycodone",
                (
                    Start(("enoxaparin 40 mg", "aspirin 325 mg"), (21, 28)),
                    Start(("oxycodone 5 mg", "acetaminophen 1000 mg"), (7, 10)),
                    Start(("docusate 100 mg",)),
                ),
            ),
            Plan(
                "multimodal analgesia",
                (
                    Start(("aspirin 325 mg",), (28, 28)),
                    Start(("oxycodone 10 mg", "acetaminophen 1000 mg"), (5, 7)),
                    Start(("senna 8.6 mg",)),
                ),
            ),
            Plan(
                "acetaminophen and gabapentin",
                (
                    Start(("rivaroxaban 10 mg daily", "aspirin 325 mg"), (14, 21)),
                    Start(("gabapentin 300 mg",), (10, 14)),
                    Start(("senna 8.6 mg",)),
                ),
            ),
        ),
        stops=(Stop(("NSAID",), "before surgery"),),
        required=("osteoarthritis",),
        likely=("obesity", "hypertension"),
        clinics=("Orthopaedics",),
        ages=(48, 88),
        weight=1.5,
        stay_days=(2, 4),
        elective=True,
        dispositions=(("Home With Service", 0.65), ("Rehabilitation", 0.35)),
    ),
)
