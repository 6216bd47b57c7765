"""Haematological reasons for admission."""

from lab_lens.notes.synthesis.model import Adjust, Event, LabFinding, Plan, Scenario, Start, Stop

SCENARIOS = (
    Scenario(
        key="sickle_crisis",
        service="MEDICINE",
        diagnosis="sickle cell vaso-occlusive crisis",
        label="vaso-occlusive crisis",
        complaint=("Pain crisis", "Back and leg pain"),
        presenting=("severe back and leg pain", "bilateral arm and chest wall pain", "hip and low back pain"),
        onset=("days", 1, 4),
        denies=("fever", "cough", "headache", "weakness"),
        labs=(
            LabFinding("hemoglobin", (5.9, 8.2), (6.8, 8.6)),
            LabFinding("LDH", (380, 780), (300, 520)),
            LabFinding("total bilirubin", (2.2, 5.4), (1.8, 3.6)),
        ),
        imaging=(("Chest x-ray", "no infiltrate"),),
        slots={"units": ("1", "2"), "crises": ("two", "three", "four")},
        complications=(
            Event(
                "acute chest syndrome",
                (
                    (
                        "On hospital day 3 a new infiltrate with hypoxia was treated as acute chest syndrome with "
                        "exchange transfusion."
                    ),
                ),
                0.2,
                procedure="Exchange transfusion",
            ),
        ),
        plans=(
            Plan(
                "a hydromorphone PCA",
                (Start(("hydromorphone 4 mg", "acetaminophen 1000 mg"), (4, 6)), Start(("senna 8.6 mg",))),
            ),
            Plan(
                "a hydromorphone PCA and IV fluids",
                (Start(("oxycodone 10 mg", "acetaminophen 1000 mg"), (5, 7)), Start(("docusate 100 mg",))),
            ),
            Plan("ketorolac and IV fluids", (Start(("acetaminophen 1000 mg",)), Start(("polyethylene glycol 17 g",)))),
        ),
        adjusts=(Adjust("hydroxyurea", 1, "because of frequent crises"),),
        required=("sickle cell disease",),
        likely=("asthma", "depression"),
        unlikely=("opioid use disorder", "iron deficiency anemia"),
        clinics=("Hematology",),
        ages=(16, 48),
        weight=1.1,
        stay_days=(3, 7),
        recurs=True,
        dispositions=(("Home", 1.0),),
    ),
    Scenario(
        key="neutropenic_fever",
        service="ONCOLOGY",
        diagnosis="febrile neutropenia",
        label="febrile neutropenia",
        complaint=("Fever",),
        presenting=("fever after chemotherapy", "fever and mouth sores"),
        onset=("days", 1, 2),
        denies=("cough", "diarrhea", "dysuria", "line site pain"),
        labs=(
            LabFinding("absolute neutrophil count", (0, 380), (560, 1400)),
            LabFinding("platelets", (14, 48), (32, 90)),
            LabFinding("hemoglobin", (6.8, 8.4), (8.0, 9.4)),
        ),
        imaging=(("Chest x-ray", "no consolidation"),),
        slots={
            "cycle": ("first", "second", "third"),
            "organism": ("E. coli", "Streptococcus mitis", "Klebsiella pneumoniae"),
        },
        complications=(
            Event("{organism} bacteremia", ("Blood cultures grew {organism}; repeat cultures were negative.",), 0.35),
            Event("mucositis", ("Mucositis was managed with mouth rinses.",), 0.3),
        ),
        plans=(
            Plan("cefepime", (Start(("levofloxacin 500 mg", "cefpodoxime 200 mg"), (5, 7)),)),
            Plan(
                "vancomycin and cefepime", (Start(("levofloxacin 750 mg", "amoxicillin-clavulanate 875 mg"), (6, 8)),)
            ),
            Plan("aztreonam and vancomycin", (Start(("levofloxacin 500 mg",), (5, 7)),)),
            Plan("meropenem", (Start(("ciprofloxacin 500 mg", "doxycycline 100 mg"), (5, 7)),)),
        ),
        stops=(Stop(("NSAID", "aspirin"), "because of thrombocytopenia"),),
        required=("acute myeloid leukemia",),
        unlikely=("atrial fibrillation", "seizure disorder"),
        clinics=("Oncology",),
        ages=(24, 80),
        weight=1.1,
        stay_days=(4, 9),
        recurs=True,
        dispositions=(("Home", 0.6), ("Home With Service", 0.4)),
    ),
    Scenario(
        key="deep_vein_thrombosis",
        service="MEDICINE",
        diagnosis="{side} {vein} deep vein thrombosis",
        label="deep vein thrombosis",
        complaint=("Leg swelling", "Leg pain"),
        presenting=("{side} leg swelling", "{side} calf pain and swelling"),
        onset=("days", 2, 6),
        denies=("dyspnea", "chest pain", "trauma", "recent bleeding"),
        labs=(LabFinding("platelets", (180, 340), (180, 340)), LabFinding("hemoglobin", (11.2, 14.4), (11.0, 14.0))),
        imaging=(("Lower extremity ultrasound", "occlusive {side} {vein} thrombus"),),
        slots={
            "side": ("left", "right"),
            "vein": ("femoral", "popliteal", "iliofemoral"),
            "provoked": ("recent surgery", "a long car trip", "prolonged bed rest"),
        },
        procedure=Event(
            "thrombolysis",
            ("Catheter-directed thrombolysis restored flow.",),
            0.2,
            procedure="{side_title} catheter-directed thrombolysis",
        ),
        plans=(
            Plan("a heparin drip", (Start(("warfarin 5 mg",)),)),
            Plan("enoxaparin", (Start(("rivaroxaban 15 mg twice daily", "warfarin 5 mg")),)),
            Plan("heparin", (Start(("enoxaparin 80 mg every 12 hours", "warfarin 4 mg")),)),
        ),
        precipitants=(("naproxen 500 mg", 0.3),),
        stops=(Stop(("NSAID",), "because of anticoagulation"),),
        likely=("obesity", "hypothyroidism"),
        unlikely=("atrial fibrillation",),
        clinics=("Hematology", "Anticoagulation"),
        ages=(22, 88),
        weight=1.1,
        stay_days=(2, 4),
        dispositions=(("Home", 1.0),),
    ),
)
