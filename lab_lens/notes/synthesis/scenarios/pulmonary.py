"""Pulmonary reasons for admission."""

from lab_lens.notes.synthesis.model import Event, LabFinding, Plan, Scenario, Span, Start, Stop

_LOBES = ("right lower lobe", "left lower lobe", "right middle lobe", "right upper lobe", "left upper lobe")
_FAILURE = Event(
    "hypoxic respiratory failure",
    (
        (
            "{He} [was intubated|required intubation] for hypoxic respiratory failure and was extubated after "
            "{vent_days} days."
        ),
    ),
    0.15,
    procedure="Endotracheal intubation and mechanical ventilation",
)

SCENARIOS = (
    Scenario(
        key="pneumonia",
        service="MEDICINE",
        diagnosis="{lobe} pneumonia",
        label="pneumonia",
        complaint=("Shortness of breath", "Cough", "Fever"),
        presenting=("productive cough and fever", "fever and dyspnea", "cough and pleuritic chest pain"),
        onset=("days", 2, 7),
        denies=("hemoptysis", "recent travel", "leg swelling", "sick contacts", "night sweats"),
        labs=(LabFinding("WBC", (12.4, 23.5), (6.2, 10.4)), LabFinding("lactate", (1.2, 3.4), (0.8, 1.6))),
        imaging=(("Chest x-ray", "{lobe} consolidation"),),
        slots={"lobe": _LOBES, "oxygen": Span(2, 5)},
        complications=(
            _FAILURE,
            Event(
                "acute kidney injury",
                ("Creatinine of {creatinine} on arrival improved to {creatinine_last} with fluids.",),
                0.2,
                stops=(Stop(("RAS inhibitor", "NSAID", "biguanide"), "because of acute kidney injury"),),
                labs=(LabFinding("creatinine", (1.7, 2.8), (0.9, 1.3)),),
            ),
            Event(
                "parapneumonic effusion",
                ("A small parapneumonic effusion was tapped and was not infected.",),
                0.12,
                procedure="Thoracentesis",
            ),
        ),
        plans=(
            Plan(
                "ceftriaxone and azithromycin",
                (Start(("cefpodoxime 200 mg",), (3, 6)), Start(("azithromycin 250 mg",), (2, 3))),
            ),
            Plan("levofloxacin", (Start(("levofloxacin 750 mg",), (3, 6)),)),
            Plan("ampicillin-sulbactam", (Start(("amoxicillin-clavulanate 875 mg",), (4, 7)),)),
            Plan(
                "ceftriaxone and doxycycline",
                (Start(("doxycycline 100 mg",), (4, 6)), Start(("cefpodoxime 200 mg",), (4, 6))),
            ),
        ),
        likely=("chronic obstructive pulmonary disease", "type 2 diabetes mellitus"),
        clinics=("Primary Care", "Pulmonary"),
        ages=(18, 95),
        weight=2.4,
        stay_days=(3, 8),
        recurs=True,
        dispositions=(("Home", 0.55), ("Home With Service", 0.25), ("Extended Care", 0.2)),
    ),
    Scenario(
        key="copd",
        service="MEDICINE",
        diagnosis="COPD exacerbation",
        label="COPD exacerbation",
        complaint=("Shortness of breath", "Wheezing"),
        presenting=("worsening dyspnea and wheezing", "increased sputum and dyspnea", "wheezing and cough"),
        onset=("days", 2, 6),
        denies=("fever", "chest pain", "leg swelling", "hemoptysis"),
        labs=(LabFinding("bicarbonate", (29, 37), (28, 34)), LabFinding("WBC", (8.5, 14.2), (9.0, 13.5))),
        imaging=(("Chest x-ray", "hyperinflation without consolidation"),),
        slots={"pco2": Span(52, 78), "oxygen": Span(2, 4), "pack_years": ("30", "40", "45", "50", "60")},
        procedure=Event(
            "noninvasive ventilation",
            ("{He} was placed on BiPAP overnight for hypercapnia with a pCO2 of {pco2}, with good effect.",),
            0.35,
        ),
        complications=(
            Event(
                "steroid-induced hyperglycemia",
                ("Glucose rose to {high_glucose} on steroids and was covered with insulin.",),
                0.22,
            ),
        ),
        plans=(
            Plan(
                "nebulizers, methylprednisolone and azithromycin",
                (
                    Start(("prednisone 40 mg",), (4, 5)),
                    Start(("azithromycin 250 mg",), (3, 4)),
                    Start(("tiotropium 18 mcg",)),
                ),
            ),
            Plan(
                "nebulizers, prednisone and doxycycline",
                (
                    Start(("prednisone 60 mg",), (5, 7)),
                    Start(("doxycycline 100 mg",), (4, 5)),
                    Start(("fluticasone-salmeterol 250-50 mcg",)),
                ),
            ),
            Plan(
                "nebulizers, prednisone and levofloxacin",
                (
                    Start(("prednisone 40 mg",), (5, 10)),
                    Start(("levofloxacin 500 mg",), (4, 5)),
                    Start(("nicotine patch 21 mg",), chance=0.5),
                ),
            ),
        ),
        required=("chronic obstructive pulmonary disease",),
        likely=("coronary artery disease", "anxiety"),
        unlikely=("asthma",),
        clinics=("Pulmonary",),
        ages=(48, 93),
        weight=2.0,
        stay_days=(3, 7),
        recurs=True,
    ),
    Scenario(
        key="asthma",
        service="MEDICINE",
        diagnosis="asthma exacerbation",
        label="asthma exacerbation",
        complaint=("Shortness of breath", "Wheezing"),
        presenting=(
            "wheezing and chest tightness",
            "dyspnea unrelieved by albuterol",
            "cough and wheezing after a cold",
        ),
        onset=("days", 1, 4),
        denies=("fever", "chest pain", "leg pain", "prior intubation"),
        labs=(LabFinding("WBC", (7.0, 12.8), (9.0, 13.0)), LabFinding("lactate", (1.4, 3.2), (0.9, 1.6))),
        imaging=(("Chest x-ray", "no acute process"),),
        slots={"peak_flow": Span(140, 220), "peak_flow_after": Span(330, 450)},
        complications=(
            Event(
                "lactic acidosis from albuterol",
                ("Lactate rose transiently with continuous albuterol and cleared.",),
                0.15,
            ),
        ),
        plans=(
            Plan(
                "continuous albuterol and methylprednisolone",
                (Start(("prednisone 40 mg",), (5, 7)), Start(("fluticasone-salmeterol 250-50 mcg",))),
            ),
            Plan(
                "nebulizers, magnesium and prednisone",
                (Start(("prednisone 60 mg",), (4, 6)), Start(("montelukast 10 mg",))),
            ),
        ),
        required=("asthma",),
        likely=("anxiety", "gastroesophageal reflux disease", "obesity"),
        unlikely=("coronary artery disease",),
        clinics=("Allergy", "Pulmonary"),
        ages=(16, 62),
        weight=1.4,
        stay_days=(2, 4),
        recurs=True,
        dispositions=(("Home", 1.0),),
    ),
    Scenario(
        key="pulmonary_embolism",
        service="MEDICINE",
        diagnosis="{extent} pulmonary embolism",
        label="pulmonary embolism",
        complaint=("Shortness of breath", "Pleuritic chest pain"),
        presenting=("sudden dyspnea", "pleuritic chest pain and dyspnea", "dyspnea and right calf pain"),
        onset=("days", 1, 3),
        denies=("hemoptysis", "prior clots", "fever", "recent bleeding"),
        labs=(LabFinding("troponin T", (0.02, 0.14), (0.01, 0.05)), LabFinding("BNP", (300, 2800), (150, 600))),
        imaging=(
            ("CTA chest", "{extent} pulmonary emboli"),
            ("Echocardiogram", "[mild|moderate] right ventricular strain"),
        ),
        slots={
            "extent": ("bilateral segmental", "right lower lobe", "saddle", "bilateral lobar"),
            "provoked": ("a long flight", "recent knee surgery", "immobility", "a long car trip"),
        },
        complications=(
            Event(
                "pulmonary infarction",
                ("A wedge of pulmonary infarction explained the pain, which was controlled.",),
                0.15,
            ),
        ),
        plans=(
            Plan("a heparin drip", (Start(("warfarin 5 mg",)), Start(("docusate 100 mg",), chance=0.3))),
            Plan("enoxaparin", (Start(("enoxaparin 80 mg every 12 hours", "warfarin 5 mg")),)),
            Plan("heparin", (Start(("rivaroxaban 15 mg twice daily", "warfarin 4 mg")),)),
        ),
        stops=(Stop(("NSAID",), "because of anticoagulation"),),
        precipitants=(("naproxen 500 mg", 0.25),),
        unlikely=("atrial fibrillation",),
        clinics=("Hematology", "Anticoagulation"),
        ages=(20, 92),
        weight=1.5,
        stay_days=(2, 6),
    ),
    Scenario(
        key="pneumothorax",
        service="SURGERY",
        diagnosis="{side} spontaneous pneumothorax",
        label="spontaneous pneumothorax",
        complaint=("Chest pain", "Shortness of breath"),
        presenting=("sudden {side} chest pain", "sudden dyspnea and {side} chest pain"),
        onset=("hours", 3, 24),
        denies=("trauma", "fever", "cough", "prior episodes"),
        labs=(LabFinding("WBC", (6.0, 11.5), (6.0, 10.0)),),
        imaging=(("Chest x-ray", "a {size} {side} pneumothorax"), ("CT chest", "apical blebs")),
        slots={"side": ("left", "right"), "size": ("large", "moderate"), "chest_tube_days": Span(2, 5)},
        procedure=Event(
            "chest tube",
            ("A pigtail chest tube was placed with re-expansion and was removed after {chest_tube_days} days.",),
            procedure="{side_title} chest tube placement",
        ),
        complications=(
            Event(
                "persistent air leak",
                ("A persistent air leak required VATS blebectomy and pleurodesis.",),
                0.2,
                procedure="{side_title} VATS blebectomy and mechanical pleurodesis",
            ),
        ),
        plans=(
            Plan(
                "high flow oxygen",
                (Start(("oxycodone 5 mg", "acetaminophen 1000 mg"), (5, 7)), Start(("docusate 100 mg",))),
            ),
            Plan(
                "oxygen and analgesia",
                (
                    Start(("ibuprofen 600 mg", "acetaminophen 650 mg"), (5, 7)),
                    Start(("nicotine patch 14 mg",), chance=0.6),
                ),
            ),
        ),
        likely=("asthma",),
        clinics=("Thoracic Surgery",),
        ages=(17, 48),
        weight=0.9,
        stay_days=(3, 6),
        dispositions=(("Home", 1.0),),
    ),
)
