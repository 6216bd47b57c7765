"""Pancreatic, hepatic and biliary reasons for admission."""

from lab_lens.notes.synthesis.model import Event, LabFinding, Plan, Scenario, Span, Start, Stop
from lab_lens.notes.synthesis.scenarios.events import ILEUS

SCENARIOS = (
    Scenario(
        key="pancreatitis",
        service="MEDICINE",
        diagnosis="acute {cause} pancreatitis",
        label="acute pancreatitis",
        complaint=("Abdominal pain", "Epigastric pain"),
        presenting=("epigastric pain radiating to the back", "severe epigastric pain and vomiting"),
        onset=("days", 1, 3),
        denies=("fever", "melena", "jaundice", "diarrhea"),
        labs=(LabFinding("lipase", (640, 3900), (70, 210)), LabFinding("WBC", (11.8, 18.5), (6.8, 10.2))),
        imaging=(("CT abdomen", "{finding_detail}"),),
        slots={
            "cause": ("gallstone", "hypertriglyceridemic", "idiopathic"),
            "finding_detail": (
                "peripancreatic stranding without necrosis",
                "an edematous pancreas",
                "interstitial pancreatitis",
                "pancreatitis with a small fluid collection",
            ),
        },
        complications=(ILEUS, Event("hypocalcemia", ("Calcium fell to {low_calcium} and was repleted.",), 0.18)),
        plans=(
            Plan(
                "IV fluids and hydromorphone",
                (Start(("oxycodone 5 mg", "acetaminophen 650 mg"), (5, 7)), Start(("docusate 100 mg",))),
            ),
            Plan(
                "lactated Ringer's and bowel rest",
                (Start(("acetaminophen 650 mg",)), Start(("ondansetron 4 mg",), (4, 5))),
            ),
        ),
        stops=(Stop(("thiazide", "loop diuretic"), "because of pancreatitis"),),
        likely=("hyperlipidemia", "obesity"),
        unlikely=("cirrhosis",),
        clinics=("Gastroenterology", "Primary Care"),
        ages=(22, 84),
        weight=1.6,
        stay_days=(3, 8),
        recurs=True,
    ),
    Scenario(
        key="cirrhosis",
        service="MEDICINE",
        diagnosis="hepatic encephalopathy",
        label="hepatic encephalopathy",
        complaint=("Confusion", "Altered mental status"),
        presenting=("confusion and somnolence", "increasing confusion and abdominal distension"),
        onset=("days", 1, 5),
        denies=("melena", "fever", "head trauma", "alcohol use"),
        labs=(
            LabFinding("ammonia", (88, 190), (40, 70)),
            LabFinding("total bilirubin", (2.4, 7.8), (2.0, 5.6)),
            LabFinding("platelets", (48, 104), (50, 105)),
        ),
        imaging=(("Abdominal ultrasound", "a nodular liver with {ascites} ascites"),),
        slots={"ascites": ("small", "moderate", "large"), "tap_liters": Span(3, 7)},
        procedure=Event(
            "paracentesis",
            ("Paracentesis removed {tap_liters} liters, without evidence of spontaneous bacterial peritonitis.",),
            0.6,
            procedure="Large volume paracentesis",
        ),
        complications=(
            Event(
                "acute kidney injury",
                ("Creatinine of {creatinine} improved to {creatinine_last} with albumin.",),
                0.25,
                stops=(Stop(("loop diuretic", "aldosterone antagonist"), "because of acute kidney injury"),),
                labs=(LabFinding("creatinine", (1.7, 2.8), (0.9, 1.3)),),
            ),
        ),
        plans=(
            Plan("lactulose", (Start(("lactulose 30 mL",)), Start(("rifaximin 550 mg",)))),
            Plan("lactulose and rifaximin", (Start(("rifaximin 550 mg",)), Start(("lactulose 20 mL",)))),
        ),
        stops=(Stop(("benzodiazepine", "opioid"), "because of encephalopathy"),),
        precipitants=(("lorazepam 1 mg", 0.3),),
        required=("cirrhosis",),
        likely=("hepatitis C", "alcohol use disorder"),
        unlikely=("atrial fibrillation", "coronary artery disease"),
        clinics=("Hepatology",),
        ages=(38, 76),
        weight=1.4,
        stay_days=(3, 8),
        recurs=True,
    ),
    Scenario(
        key="cholangitis",
        service="MEDICINE",
        diagnosis="acute cholangitis",
        label="cholangitis",
        complaint=("Abdominal pain", "Fever and jaundice"),
        presenting=("fever, jaundice and right upper quadrant pain", "fever and abdominal pain"),
        onset=("days", 1, 3),
        denies=("diarrhea", "weight loss", "chest pain", "melena"),
        labs=(
            LabFinding("total bilirubin", (3.6, 9.8), (1.2, 2.6)),
            LabFinding("alkaline phosphatase", (240, 620), (150, 280)),
            LabFinding("WBC", (13.5, 22.8), (7.0, 10.4)),
        ),
        imaging=(("Right upper quadrant ultrasound", "a common bile duct of {duct} mm with stones"),),
        slots={"duct": ("9", "10", "11", "13", "15"), "organism": ("E. coli", "Klebsiella pneumoniae")},
        procedure=Event(
            "ERCP with stone extraction",
            ("ERCP with sphincterotomy and stone extraction drained pus.",),
            procedure="ERCP with sphincterotomy and stone extraction",
        ),
        complications=(
            Event(
                "{organism} bacteremia", ("Blood cultures grew {organism}, sensitive to the antibiotics given.",), 0.35
            ),
            Event("post-ERCP pancreatitis", ("Mild post-ERCP pancreatitis resolved with bowel rest.",), 0.12),
        ),
        plans=(
            Plan("piperacillin-tazobactam", (Start(("amoxicillin-clavulanate 875 mg",), (5, 7)),)),
            Plan(
                "ceftriaxone and metronidazole",
                (Start(("cefpodoxime 200 mg",), (5, 7)), Start(("metronidazole 500 mg",), (5, 7))),
            ),
            Plan("meropenem", (Start(("ciprofloxacin 500 mg",), (6, 8)), Start(("ursodiol 300 mg",)))),
            Plan("aztreonam and vancomycin", (Start(("ciprofloxacin 500 mg", "doxycycline 100 mg"), (6, 8)),)),
        ),
        likely=("hypertension", "hyperlipidemia"),
        clinics=("Surgery", "Gastroenterology"),
        ages=(35, 95),
        stay_days=(3, 7),
    ),
)
