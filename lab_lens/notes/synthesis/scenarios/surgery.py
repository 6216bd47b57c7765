"""Abdominal surgery as the reason for admission."""

from lab_lens.notes.synthesis.model import Event, LabFinding, Plan, Scenario, Span, Start, Stop
from lab_lens.notes.synthesis.scenarios.events import POSTOPERATIVE_DELIRIUM, URINARY_RETENTION

SCENARIOS = (
    Scenario(
        key="appendicitis",
        service="SURGERY",
        diagnosis="{kind} appendicitis",
        label="appendectomy",
        complaint=("Abdominal pain",),
        presenting=("right lower quadrant pain", "periumbilical pain migrating to the right lower quadrant"),
        onset=("hours", 12, 60),
        denies=("diarrhea", "dysuria", "prior episodes", "blood in stool"),
        labs=(LabFinding("WBC", (12.2, 19.6), (6.8, 10.6)),),
        imaging=(("CT abdomen", "a {caliber} mm appendix with {detail}"),),
        slots={
            "caliber": ("10", "11", "12", "14"),
            "kind/detail": (
                "perforated/a small fluid collection",
                "gangrenous/an appendicolith",
                "perforated/free fluid",
            ),
        },
        procedure=Event(
            "laparoscopic appendectomy",
            ("{He} was taken for laparoscopic appendectomy, which was well tolerated.",),
            procedure="Laparoscopic appendectomy",
        ),
        complications=(
            Event(
                "intra-abdominal abscess",
                ("A pelvic abscess was drained by interventional radiology.",),
                0.1,
                procedure="CT-guided drainage of pelvic abscess",
            ),
            Event("ileus", ("An ileus delayed diet for 2 days.",), 0.15),
        ),
        plans=(
            Plan(
                "ceftriaxone and metronidazole",
                (
                    Start(("cefpodoxime 200 mg",), (4, 5)),
                    Start(("metronidazole 500 mg",), (4, 5)),
                    Start(("oxycodone 5 mg", "acetaminophen 650 mg"), (3, 4)),
                ),
            ),
            Plan(
                "piperacillin-tazobactam",
                (Start(("amoxicillin-clavulanate 875 mg",), (4, 6)), Start(("acetaminophen 650 mg",))),
            ),
            Plan(
                "ertapenem",
                (
                    Start(("amoxicillin-clavulanate 875 mg", "ciprofloxacin 500 mg"), (3, 5)),
                    Start(("docusate 100 mg",)),
                ),
            ),
            Plan(
                "ciprofloxacin and metronidazole",
                (Start(("ciprofloxacin 500 mg",), (4, 5)), Start(("acetaminophen 650 mg",))),
            ),
            Plan(
                "aztreonam and clindamycin", (Start(("clindamycin 300 mg",), (4, 5)), Start(("acetaminophen 650 mg",)))
            ),
        ),
        clinics=("Acute Care Surgery",),
        ages=(16, 66),
        weight=1.4,
        stay_days=(1, 4),
        dispositions=(("Home", 1.0),),
    ),
    Scenario(
        key="cholecystitis",
        service="SURGERY",
        diagnosis="acute cholecystitis",
        label="cholecystectomy",
        complaint=("Abdominal pain", "Right upper quadrant pain"),
        presenting=("right upper quadrant pain after eating", "right upper quadrant pain and vomiting"),
        onset=("days", 1, 3),
        denies=("jaundice", "diarrhea", "chest pain", "dysuria"),
        labs=(LabFinding("WBC", (11.8, 18.0), (6.6, 10.2)), LabFinding("ALT", (38, 110), (30, 70))),
        imaging=(("Right upper quadrant ultrasound", "gallstones with a {wall} mm gallbladder wall"),),
        slots={"wall": ("5", "6", "7", "8"), "drain_ml": Span(20, 60)},
        procedure=Event(
            "laparoscopic cholecystectomy",
            ("Laparoscopic cholecystectomy was performed on hospital day 2.",),
            procedure="Laparoscopic cholecystectomy",
        ),
        complications=(
            Event(
                "bile leak",
                ("A cystic duct leak was treated with an ERCP stent.",),
                0.12,
                procedure="ERCP with biliary stent",
            ),
            URINARY_RETENTION,
        ),
        plans=(
            Plan(
                "ampicillin-sulbactam",
                (Start(("oxycodone 5 mg", "acetaminophen 650 mg"), (3, 5)), Start(("docusate 100 mg",))),
            ),
            Plan("ciprofloxacin and metronidazole", (Start(("acetaminophen 1000 mg",)), Start(("senna 8.6 mg",)))),
            Plan(
                "ceftriaxone and metronidazole",
                (Start(("oxycodone 5 mg", "acetaminophen 650 mg"), (3, 5)), Start(("ondansetron 4 mg",), (3, 3))),
            ),
            Plan("aztreonam and clindamycin", (Start(("acetaminophen 1000 mg",)), Start(("docusate 100 mg",)))),
        ),
        likely=("obesity", "hyperlipidemia"),
        clinics=("Acute Care Surgery",),
        ages=(24, 86),
        weight=1.4,
        stay_days=(2, 5),
        dispositions=(("Home", 0.9), ("Home With Service", 0.1)),
    ),
    Scenario(
        key="colectomy",
        service="SURGERY",
        diagnosis="{segment} colon adenocarcinoma",
        label="colon cancer status post colectomy",
        complaint=("Colon mass", "Elective colectomy"),
        presenting=("a {segment} colon mass found at colonoscopy", "anemia and a {segment} colon mass"),
        onset=("", 0, 0),
        denies=("obstruction", "weight loss", "vomiting", "gross bleeding"),
        labs=(LabFinding("hemoglobin", (9.0, 11.8), (8.4, 10.4)), LabFinding("albumin", (3.2, 4.2), (2.8, 3.6))),
        imaging=(("CT abdomen", "a {mass} cm {segment} colon mass without metastases"),),
        slots={
            "segment/operation": ("sigmoid/sigmoid", "ascending/right", "descending/left", "transverse/extended right"),
            "mass": ("2.8", "3.4", "4.1", "5.2"),
            "nodes": ("1 of 16", "0 of 18", "2 of 22", "0 of 14"),
        },
        procedure=Event(
            "laparoscopic {operation} colectomy",
            ("{He} underwent laparoscopic {operation} colectomy on the day of admission.",),
            procedure="Laparoscopic {operation} colectomy",
        ),
        complications=(
            Event("postoperative ileus", ("A postoperative ileus required a nasogastric tube for 2 days.",), 0.25),
            Event(
                "wound infection",
                ("A wound infection was opened and packed.",),
                0.12,
                starts=(Start(("cephalexin 500 mg", "clindamycin 300 mg"), (5, 5)),),
            ),
            POSTOPERATIVE_DELIRIUM,
        ),
        plans=(
            Plan(
                "epidural analgesia",
                (Start(("enoxaparin 40 mg",), (28, 28)), Start(("oxycodone 5 mg", "acetaminophen 650 mg"), (5, 7))),
            ),
            Plan(
                "an enhanced recovery protocol",
                (Start(("acetaminophen 1000 mg",)), Start(("ferrous sulfate 325 mg",)), Start(("docusate 100 mg",))),
            ),
        ),
        stops=(Stop(("NSAID",), "after surgery"),),
        likely=("hypertension", "iron deficiency anemia"),
        clinics=("Colorectal Surgery", "Oncology"),
        ages=(45, 90),
        weight=1.1,
        stay_days=(4, 8),
        elective=True,
        dispositions=(("Home", 0.45), ("Home With Service", 0.55)),
    ),
)
