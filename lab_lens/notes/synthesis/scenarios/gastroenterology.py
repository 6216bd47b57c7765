"""Bleeding and bowel disease as reasons for admission."""

from lab_lens.notes.synthesis.model import Adjust, Event, LabFinding, Plan, Scenario, Span, Start, Stop

_ILEUS = Event("ileus", ("An ileus [slowed|delayed] return to diet and resolved without a tube.",), 0.18)

SCENARIOS = (
    Scenario(
        key="upper_gi_bleed",
        service="MEDICINE",
        diagnosis="bleeding {site} ulcer",
        label="peptic ulcer bleed",
        complaint=("Melena", "Hematemesis"),
        presenting=("melena and lightheadedness", "black stools and fatigue", "coffee ground emesis and melena"),
        onset=("days", 1, 4),
        denies=("abdominal pain", "alcohol use", "chest pain", "weight loss"),
        labs=(LabFinding("hemoglobin", (5.8, 8.6), (8.2, 9.8)), LabFinding("BUN", (34, 68), (12, 20))),
        imaging=(("EGD", "a {size} mm {site} ulcer with a visible vessel"),),
        slots={
            "site": ("duodenal", "gastric", "pyloric channel"),
            "size": ("6", "8", "10", "12", "15"),
            "units": Span(2, 5),
        },
        procedure=Event(
            "EGD with clipping",
            ("EGD with clipping of the ulcer achieved hemostasis.",),
            procedure="Esophagogastroduodenoscopy with clip placement",
        ),
        complications=(
            Event(
                "rebleeding",
                ("{He} rebled on hospital day 3 and had embolization of the gastroduodenal artery.",),
                0.12,
                procedure="Embolization of the gastroduodenal artery",
            ),
            Event("demand ischemia", ("A small troponin leak was attributed to demand ischemia.",), 0.15),
        ),
        plans=(
            Plan(
                "IV pantoprazole and {units} units of red cells",
                (Start(("pantoprazole 40 mg twice daily",), replaces=True), Start(("ferrous sulfate 325 mg",))),
            ),
            Plan(
                "a pantoprazole drip and {units} units of red cells",
                (
                    Start(("omeprazole 40 mg twice daily", "pantoprazole 40 mg twice daily"), replaces=True),
                    Start(("ferrous sulfate 325 mg",), chance=0.4),
                ),
            ),
        ),
        precipitants=(("ibuprofen 600 mg", 0.4), ("naproxen 500 mg", 0.3), ("aspirin 81 mg", 0.3)),
        stops=(Stop(("NSAID", "anticoagulant", "aspirin"), "because of bleeding"),),
        likely=("osteoarthritis", "hypertension"),
        clinics=("Gastroenterology",),
        ages=(30, 95),
        weight=1.7,
        stay_days=(3, 6),
    ),
    Scenario(
        key="lower_gi_bleed",
        service="MEDICINE",
        diagnosis="diverticular bleed",
        label="diverticular bleed",
        complaint=("Bright red blood per rectum",),
        presenting=("painless bright red blood per rectum", "maroon stools and dizziness"),
        onset=("hours", 6, 36),
        denies=("abdominal pain", "hematemesis", "weight loss", "fever"),
        labs=(LabFinding("hemoglobin", (6.6, 9.4), (8.4, 10.2)), LabFinding("INR", (1.0, 1.3), (1.0, 1.2))),
        imaging=(("Colonoscopy", "{segment} diverticulosis with old blood"),),
        slots={"segment": ("sigmoid", "pancolonic", "right sided", "left sided"), "units": Span(1, 4)},
        procedure=Event(
            "colonoscopy", ("Colonoscopy after a prep showed no active bleeding.",), 0.8, procedure="Colonoscopy"
        ),
        complications=(Event("syncope", ("{He} had a syncopal episode on the commode without injury.",), 0.12),),
        plans=(
            Plan("{units} units of red cells", (Start(("ferrous sulfate 325 mg",)), Start(("docusate 100 mg",)))),
            Plan(
                "IV fluids and {units} units of red cells",
                (Start(("polyethylene glycol 17 g",)), Start(("ferrous sulfate 325 mg",), chance=0.5)),
            ),
        ),
        precipitants=(("aspirin 81 mg", 0.5), ("naproxen 500 mg", 0.3)),
        stops=(Stop(("NSAID", "anticoagulant", "aspirin"), "because of bleeding"),),
        likely=("hypertension", "atrial fibrillation"),
        clinics=("Gastroenterology",),
        ages=(50, 95),
        stay_days=(3, 5),
        recurs=True,
    ),
    Scenario(
        key="ulcerative_colitis",
        service="MEDICINE",
        diagnosis="ulcerative colitis flare",
        label="ulcerative colitis flare",
        complaint=("Bloody diarrhea",),
        presenting=("bloody diarrhea and cramping", "{stools} bloody stools a day and urgency"),
        onset=("days", 5, 20),
        denies=("recent antibiotics", "travel", "vomiting", "joint pain"),
        labs=(
            LabFinding("CRP", (38, 142), (8, 30)),
            LabFinding("hemoglobin", (8.8, 11.4), (8.8, 11.2)),
            LabFinding("albumin", (2.4, 3.3), (2.6, 3.3)),
        ),
        imaging=(("Flexible sigmoidoscopy", "{severity} colitis to the {extent}"),),
        slots={
            "stools": ("8", "10", "12", "15"),
            "severity": ("moderate", "severe"),
            "extent": ("splenic flexure", "descending colon", "sigmoid colon"),
        },
        procedure=Event(
            "flexible sigmoidoscopy",
            ("Flexible sigmoidoscopy showed {severity} colitis; biopsies had no CMV.",),
            0.8,
            procedure="Flexible sigmoidoscopy with biopsies",
        ),
        complications=(
            Event(
                "infliximab rescue",
                ("After 3 days without response {he} received infliximab, with improvement.",),
                0.25,
            ),
        ),
        plans=(
            Plan("IV methylprednisolone", (Start(("prednisone 40 mg",)), Start(("cholecalciferol 1000 units",)))),
            Plan(
                "methylprednisolone and IV fluids", (Start(("prednisone 60 mg",)), Start(("calcium carbonate 500 mg",)))
            ),
        ),
        stops=(Stop(("NSAID",), "because of colitis"),),
        required=("ulcerative colitis",),
        clinics=("Gastroenterology",),
        ages=(18, 66),
        weight=1.0,
        stay_days=(4, 8),
        recurs=True,
        dispositions=(("Home", 0.95), ("Home With Service", 0.05)),
    ),
    Scenario(
        key="clostridium_difficile",
        service="MEDICINE",
        diagnosis="C. difficile colitis",
        label="C. difficile colitis",
        complaint=("Diarrhea",),
        presenting=("watery diarrhea and cramps", "profuse diarrhea after antibiotics"),
        onset=("days", 2, 7),
        denies=("blood in stool", "vomiting", "travel", "chest pain"),
        labs=(
            LabFinding("WBC", (14.8, 31.5), (8.0, 12.5)),
            LabFinding("creatinine", (1.2, 2.2), (0.8, 1.2)),
            LabFinding("albumin", (2.3, 3.2), (2.3, 3.2)),
        ),
        imaging=(("CT abdomen", "diffuse colonic wall thickening"),),
        slots={
            "stools": ("6", "8", "10", "12"),
            "culprit": (
                "clindamycin for a dental abscess",
                "a course of antibiotics for sinusitis",
                "antibiotics for a urinary infection",
            ),
        },
        complications=(
            Event("hypotension", ("Hypotension responded to {fluid_liters} liters of fluid without pressors.",), 0.25),
        ),
        plans=(
            Plan("oral vancomycin", (Start(("oral vancomycin 125 mg",), (9, 12)),)),
            Plan("fidaxomicin", (Start(("fidaxomicin 200 mg",), (7, 9)),)),
        ),
        stops=(
            Stop(("acid suppressant",), "because of C. difficile infection"),
            Stop(("RAS inhibitor", "loop diuretic"), "because of volume depletion"),
        ),
        likely=("gastroesophageal reflux disease", "hypertension"),
        clinics=("Infectious Disease", "Primary Care"),
        ages=(40, 95),
        weight=1.2,
        stay_days=(3, 7),
        recurs=True,
        dispositions=(("Home", 0.5), ("Home With Service", 0.2), ("Extended Care", 0.3)),
    ),
    Scenario(
        key="small_bowel_obstruction",
        service="SURGERY",
        diagnosis="small bowel obstruction",
        label="small bowel obstruction",
        complaint=("Abdominal pain", "Vomiting"),
        presenting=("abdominal distension and vomiting", "crampy abdominal pain without flatus"),
        onset=("days", 1, 3),
        denies=("fever", "melena", "dysuria", "chest pain"),
        labs=(
            LabFinding("lactate", (1.3, 3.2), (0.8, 1.4)),
            LabFinding("WBC", (9.5, 15.2), (6.0, 9.8)),
            LabFinding("potassium", (3.0, 3.6), (3.7, 4.4)),
        ),
        imaging=(("CT abdomen", "dilated small bowel to {caliber} cm with a transition point in the {quadrant}"),),
        slots={
            "caliber": ("3.5", "4", "4.5", "5"),
            "quadrant": ("pelvis", "right lower quadrant", "mid abdomen"),
            "old_surgery": ("appendectomy", "partial colectomy", "ventral hernia repair"),
        },
        procedure=Event(
            "lysis of adhesions",
            ("Without progress after 3 days {he} underwent laparotomy with lysis of adhesions.",),
            0.4,
            procedure="Exploratory laparotomy, lysis of adhesions",
        ),
        complications=(
            Event("wound infection", ("A superficial wound infection was opened and packed.",), 0.1),
            _ILEUS,
        ),
        plans=(
            Plan("nasogastric decompression", (Start(("docusate 100 mg",)), Start(("acetaminophen 650 mg",)))),
            Plan(
                "bowel rest and a nasogastric tube",
                (Start(("polyethylene glycol 17 g",)), Start(("ondansetron 4 mg",), (3, 5))),
            ),
        ),
        adjusts=(Adjust("loop diuretic", -1, "because of dehydration"),),
        stops=(Stop(("opioid", "iron"), "because of slow bowel function"),),
        likely=("hypertension",),
        clinics=("Surgery",),
        ages=(28, 92),
        weight=1.2,
        stay_days=(3, 9),
        recurs=True,
    ),
)
