"""Withdrawal and poisoning as reasons for admission."""

from lab_lens.notes.synthesis.model import Adjust, Event, LabFinding, Plan, Scenario, Span, Start, Stop

SCENARIOS = (
    Scenario(
        key="alcohol_withdrawal",
        service="MEDICINE",
        diagnosis="alcohol withdrawal",
        label="alcohol withdrawal",
        complaint=("Tremor", "Alcohol withdrawal"),
        presenting=("tremor and anxiety", "nausea, tremor and sweats", "agitation and visual hallucinations"),
        onset=("hours", 6, 20),
        denies=("head trauma", "suicidal ideation", "abdominal pain", "melena"),
        labs=(
            LabFinding("ethanol level", (20, 180), (0, 0)),
            LabFinding("magnesium", (1.1, 1.5), (1.7, 2.1)),
            LabFinding("AST", (90, 240), (50, 95)),
        ),
        imaging=(("CT head", "no acute process"),),
        slots={
            "ciwa": Span(14, 28),
            "drinks": ("a pint of vodka", "10 to 12 beers", "a bottle of wine", "a fifth of whiskey"),
        },
        complications=(
            Event("withdrawal seizure", ("{He} had a single withdrawal seizure, treated with lorazepam.",), 0.22),
            Event("delirium tremens", ("{He} went to the ICU for delirium tremens and a phenobarbital load.",), 0.14),
        ),
        plans=(
            Plan(
                "diazepam per CIWA scale", (Start(("thiamine 100 mg",)), Start(("naltrexone 50 mg", "folic acid 1 mg")))
            ),
            Plan(
                "a phenobarbital taper",
                (Start(("folic acid 1 mg",)), Start(("thiamine 100 mg",)), Start(("gabapentin 300 mg",), chance=0.5)),
            ),
        ),
        stops=(Stop(("benzodiazepine",), "because of alcohol use"),),
        required=("alcohol use disorder",),
        likely=("depression", "anxiety"),
        clinics=("Addiction Medicine",),
        ages=(25, 72),
        weight=1.5,
        stay_days=(3, 6),
        recurs=True,
        dispositions=(("Home", 0.75), ("Detox Facility", 0.25)),
    ),
    Scenario(
        key="opioid_overdose",
        service="MEDICINE",
        diagnosis="opioid overdose",
        label="opioid overdose",
        complaint=("Overdose", "Unresponsiveness"),
        presenting=("unresponsiveness after heroin use", "respiratory depression after fentanyl use"),
        onset=("hours ago", 1, 3),
        denies=("suicidal intent", "alcohol use", "chest pain"),
        labs=(LabFinding("CK", (260, 1900), (120, 260)), LabFinding("pH", (7.18, 7.29), (7.36, 7.42))),
        imaging=(("Chest x-ray", "patchy bilateral opacities"),),
        slots={"naloxone_mg": ("0.8", "1.2", "2", "4")},
        complications=(
            Event(
                "aspiration pneumonitis",
                ("Hypoxia from aspiration pneumonitis resolved over 2 days without antibiotics.",),
                0.35,
            ),
            Event("rhabdomyolysis", ("Rhabdomyolysis was treated with IV fluids and CK fell.",), 0.2),
        ),
        plans=(
            Plan("a naloxone infusion", (Start(("buprenorphine-naloxone 8-2 mg",)), Start(("naloxone 4 mg",)))),
            Plan(
                "naloxone and oxygen",
                (Start(("naloxone 4 mg",)), Start(("buprenorphine-naloxone 4-1 mg",), chance=0.6)),
            ),
        ),
        stops=(Stop(("opioid", "benzodiazepine"), "because of the overdose"),),
        precipitants=(("lorazepam 1 mg", 0.25),),
        required=("opioid use disorder",),
        likely=("hepatitis C", "depression"),
        clinics=("Addiction Medicine",),
        ages=(19, 62),
        stay_days=(2, 4),
        recurs=True,
        dispositions=(("Home", 0.85), ("Detox Facility", 0.15)),
    ),
    Scenario(
        key="acetaminophen_overdose",
        service="MEDICINE",
        diagnosis="acetaminophen overdose",
        label="acetaminophen overdose",
        complaint=("Overdose", "Ingestion"),
        presenting=(
            "an intentional ingestion of {grams} g of acetaminophen",
            "nausea after taking {grams} g of acetaminophen",
        ),
        onset=("hours ago", 4, 16),
        denies=("coingestion", "prior attempts", "abdominal pain", "alcohol use"),
        labs=(
            LabFinding("acetaminophen level", (140, 310), (5, 9)),
            LabFinding("ALT", (220, 3400), (90, 800)),
            LabFinding("INR", (1.3, 2.4), (1.0, 1.2)),
        ),
        imaging=(("Right upper quadrant ultrasound", "normal liver echotexture"),),
        slots={"grams": Span(12, 30)},
        complications=(
            Event(
                "acute liver injury",
                ("Liver enzymes peaked on hospital day 2 and then improved; transplant was not needed.",),
                0.4,
            ),
        ),
        plans=(
            Plan("N-acetylcysteine", (Start(("sertraline 50 mg",)),)),
            Plan(
                "N-acetylcysteine and charcoal",
                (Start(("escitalopram 10 mg",)), Start(("ondansetron 4 mg",), (3, 3), chance=0.3)),
            ),
        ),
        stops=(Stop(("acetaminophen",), "because of liver injury"),),
        adjusts=(Adjust("antidepressant", 1, "for depression"),),
        required=("depression",),
        unlikely=("cirrhosis",),
        clinics=("Psychiatry",),
        ages=(16, 58),
        stay_days=(3, 6),
        dispositions=(("Psychiatric Hospital", 0.75), ("Home", 0.25)),
    ),
    Scenario(
        key="lithium_toxicity",
        service="MEDICINE",
        diagnosis="lithium toxicity",
        label="lithium toxicity",
        complaint=("Tremor", "Confusion"),
        presenting=("coarse tremor and confusion", "diarrhea, tremor and ataxia"),
        onset=("days", 1, 5),
        denies=("intentional overdose", "fever", "seizure", "headache"),
        labs=(LabFinding("lithium level", (2.1, 3.6), (0.4, 0.8)), LabFinding("creatinine", (1.5, 2.6), (0.9, 1.3))),
        imaging=(("CT head", "no acute process"),),
        slots={"dialysis_sessions": ("one session", "two sessions")},
        procedure=Event(
            "hemodialysis",
            ("Nephrology performed {dialysis_sessions} of hemodialysis through a temporary line.",),
            0.45,
            procedure="Temporary dialysis line and hemodialysis",
        ),
        complications=(
            Event(
                "nephrogenic diabetes insipidus",
                (
                    (
                        "Polyuria with a sodium of {high_sodium} suggested nephrogenic diabetes insipidus and was "
                        "matched with free water."
                    ),
                ),
                0.2,
            ),
        ),
        plans=(
            Plan("IV fluids", (Start(("quetiapine 100 mg",)),)),
            Plan("aggressive hydration", (Start(("lamotrigine 50 mg",)), Start(("quetiapine 50 mg",)))),
        ),
        precipitants=(("lithium carbonate 600 mg", 1.0),),
        stops=(Stop(("lithium",), "because of lithium toxicity"),),
        required=("bipolar disorder",),
        unlikely=(
            "chronic kidney disease stage 3",
            "hypertension",
            "systolic heart failure",
            "coronary artery disease",
            "osteoarthritis",
        ),
        clinics=("Psychiatry",),
        ages=(24, 70),
        weight=0.8,
        stay_days=(3, 6),
        dispositions=(("Home", 0.7), ("Psychiatric Hospital", 0.3)),
    ),
)
