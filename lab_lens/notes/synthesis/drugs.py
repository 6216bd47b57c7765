"""Drugs with the strengths, routes and frequencies they are prescribed in, and what forbids them.

Adult oral doses as US labels give them; interactions are those that a ward pharmacist would stop.
"""

import re

from lab_lens.errors import ContractError
from lab_lens.notes.synthesis.model import Drug, Medication

_CKD = "chronic kidney disease stage 3"
_ESRD = "end-stage renal disease"
_HEART_FAILURE = "systolic heart failure"
_RENAL = (_CKD, _ESRD)
_PCN = ("penicillin",)
_CEPH = ("cephalosporin",)
_SULFA = ("sulfa",)
_FQ = ("fluoroquinolone",)
_OPIOID = ("opioid",)
_NSAID = ("NSAID", "aspirin")
_INH = ("INH", "Inhaler")

CARDIOVASCULAR = (
    Drug("aspirin", "aspirin", ("81 mg", "325 mg"), allergens=("aspirin",)),
    Drug("clopidogrel", "P2Y12 inhibitor", ("75 mg",)),
    Drug("ticagrelor", "P2Y12 inhibitor", ("90 mg",), "twice daily", conflicts=("anticoagulant",)),
    Drug("atorvastatin", "statin", ("10 mg", "20 mg", "40 mg", "80 mg"), conflicts=("cirrhosis",)),
    Drug("rosuvastatin", "statin", ("5 mg", "10 mg", "20 mg"), conflicts=("cirrhosis",)),
    Drug("pravastatin", "statin", ("20 mg", "40 mg"), conflicts=("cirrhosis",)),
    Drug("metoprolol succinate", "beta-blocker", ("25 mg", "50 mg", "100 mg", "200 mg"), conflicts=("asthma",)),
    Drug("metoprolol tartrate", "beta-blocker", ("25 mg", "50 mg", "100 mg"), "twice daily", conflicts=("asthma",)),
    Drug(
        "carvedilol", "beta-blocker", ("3.125 mg", "6.25 mg", "12.5 mg", "25 mg"), "twice daily", conflicts=("asthma",)
    ),
    Drug("atenolol", "beta-blocker", ("25 mg", "50 mg", "100 mg"), conflicts=("asthma", *_RENAL)),
    Drug("propranolol", "beta-blocker", ("20 mg", "40 mg"), "three times daily", conflicts=("asthma",)),
    Drug("nadolol", "beta-blocker", ("20 mg", "40 mg"), conflicts=("asthma",)),
    Drug("labetalol", "beta-blocker", ("100 mg", "200 mg", "300 mg"), "twice daily", conflicts=("asthma",)),
    Drug(
        "lisinopril",
        "RAS inhibitor",
        ("5 mg", "10 mg", "20 mg", "40 mg"),
        conflicts=(_ESRD,),
        allergens=("ACE inhibitor",),
    ),
    Drug("losartan", "RAS inhibitor", ("25 mg", "50 mg", "100 mg"), conflicts=(_ESRD,)),
    Drug("amlodipine", "calcium channel blocker", ("2.5 mg", "5 mg", "10 mg")),
    Drug("nifedipine ER", "calcium channel blocker", ("30 mg", "60 mg", "90 mg")),
    Drug(
        "diltiazem ER",
        "calcium channel blocker",
        ("120 mg", "180 mg", "240 mg"),
        form="Capsule",
        conflicts=("beta-blocker", _HEART_FAILURE),
    ),
    Drug("hydrochlorothiazide", "thiazide", ("12.5 mg", "25 mg"), conflicts=(*_RENAL, "gout"), allergens=_SULFA),
    Drug("chlorthalidone", "thiazide", ("12.5 mg", "25 mg"), conflicts=(*_RENAL, "gout"), allergens=_SULFA),
    Drug("spironolactone", "aldosterone antagonist", ("25 mg", "50 mg", "100 mg"), conflicts=_RENAL),
    Drug("furosemide", "loop diuretic", ("20 mg", "40 mg", "80 mg"), conflicts=(_ESRD,)),
    Drug("torsemide", "loop diuretic", ("10 mg", "20 mg", "40 mg"), conflicts=(_ESRD,)),
    Drug("isosorbide mononitrate", "nitrate", ("30 mg", "60 mg")),
    Drug("nitroglycerin", "short-acting nitrate", ("0.4 mg",), "as needed for chest pain", "SL"),
    Drug("amiodarone", "antiarrhythmic", ("200 mg",), conflicts=("hypothyroidism", "hyperthyroidism")),
    Drug("warfarin", "anticoagulant", ("2 mg", "3 mg", "4 mg", "5 mg"), conflicts=("NSAID",)),
    Drug("apixaban", "anticoagulant", ("2.5 mg", "5 mg"), "twice daily", conflicts=("NSAID", _ESRD)),
    Drug("rivaroxaban", "anticoagulant", ("10 mg", "15 mg", "20 mg"), "with dinner", conflicts=("NSAID", _ESRD)),
    Drug(
        "enoxaparin",
        "anticoagulant",
        ("30 mg", "40 mg", "80 mg"),
        "daily",
        "SC",
        "Syringe",
        conflicts=("NSAID", *_RENAL),
    ),
)

METABOLIC = (
    Drug("metformin", "biguanide", ("500 mg", "850 mg", "1000 mg"), "twice daily", conflicts=(*_RENAL, "cirrhosis")),
    Drug("glipizide", "sulfonylurea", ("2.5 mg", "5 mg", "10 mg"), conflicts=(_ESRD,)),
    Drug(
        "insulin glargine",
        "basal insulin",
        ("10 units", "14 units", "18 units", "22 units", "26 units", "30 units"),
        "at bedtime",
        "SC",
        "Solution",
    ),
    Drug("insulin lispro", "mealtime insulin", ("4 units", "6 units", "8 units"), "with meals", "SC", "Solution"),
    Drug("levothyroxine", "thyroid hormone", ("25 mcg", "50 mcg", "75 mcg", "88 mcg", "100 mcg", "125 mcg")),
    Drug("methimazole", "antithyroid drug", ("10 mg", "20 mg", "30 mg")),
    Drug("prednisone", "glucocorticoid", ("5 mg", "10 mg", "20 mg", "40 mg", "60 mg")),
    Drug("hydrocortisone", "glucocorticoid", ("10 mg", "20 mg"), "every morning"),
    Drug("fludrocortisone", "mineralocorticoid", ("0.1 mg",), conflicts=(_HEART_FAILURE,)),
    Drug("alendronate", "bisphosphonate", ("70 mg",), "every week", conflicts=_RENAL),
    Drug("cholecalciferol", "vitamin D", ("1000 units", "2000 units")),
    Drug("calcium carbonate", "calcium", ("500 mg",), "twice daily", conflicts=(_ESRD,)),
    Drug("allopurinol", "xanthine oxidase inhibitor", ("100 mg", "300 mg")),
    Drug("colchicine", "colchicine", ("0.6 mg",), conflicts=_RENAL),
    Drug("sevelamer", "phosphate binder", ("800 mg",), "three times daily with meals"),
    Drug("calcitriol", "active vitamin D", ("0.25 mcg",), form="Capsule"),
    Drug("sodium bicarbonate", "bicarbonate", ("650 mg",), "three times daily", conflicts=(_HEART_FAILURE,)),
    Drug("ferrous sulfate", "iron", ("325 mg",)),
    Drug("folic acid", "folate", ("1 mg",)),
    Drug("thiamine", "thiamine", ("100 mg",)),
    Drug("cyanocobalamin", "vitamin B12", ("1000 mcg",)),
    Drug("hydroxyurea", "hydroxyurea", ("500 mg", "1000 mg"), form="Capsule"),
    Drug("anastrozole", "aromatase inhibitor", ("1 mg",)),
    Drug(
        "methotrexate",
        "methotrexate",
        ("10 mg", "15 mg"),
        "every week",
        conflicts=(*_RENAL, "cirrhosis", "sulfa antibiotic"),
    ),
    Drug("hydroxychloroquine", "antimalarial", ("200 mg",), "twice daily"),
    Drug("mesalamine", "aminosalicylate", ("800 mg",), "three times daily", allergens=("aspirin",)),
    Drug("tamsulosin", "alpha blocker", ("0.4 mg",), "at bedtime", form="Capsule"),
    Drug("finasteride", "5-alpha-reductase inhibitor", ("5 mg",)),
)

PULMONARY_AND_DIGESTIVE = (
    Drug("albuterol", "short-acting bronchodilator", ("90 mcg",), "every 4 hours as needed", *_INH),
    Drug("tiotropium", "anticholinergic inhaler", ("18 mcg",), "daily", *_INH),
    Drug(
        "fluticasone-salmeterol",
        "combination inhaler",
        ("100-50 mcg", "250-50 mcg", "500-50 mcg"),
        "twice daily",
        *_INH,
    ),
    Drug("montelukast", "leukotriene antagonist", ("10 mg",)),
    Drug("omeprazole", "acid suppressant", ("20 mg", "40 mg"), form="Capsule", conflicts=("clopidogrel",)),
    Drug("pantoprazole", "acid suppressant", ("40 mg",)),
    Drug("famotidine", "acid suppressant", ("20 mg",), "twice daily", conflicts=_RENAL),
    Drug("lactulose", "lactulose", ("20 mL", "30 mL"), "three times daily", form="Syrup"),
    Drug("rifaximin", "rifaximin", ("550 mg",), "twice daily"),
    Drug("ursodiol", "bile acid", ("300 mg",), "twice daily", form="Capsule"),
    Drug("docusate", "stool softener", ("100 mg",), "twice daily", form="Capsule"),
    Drug("senna", "stimulant laxative", ("8.6 mg",), "twice daily as needed"),
    Drug("polyethylene glycol", "osmotic laxative", ("17 g",), "daily", form="Powder"),
    Drug("ondansetron", "antiemetic", ("4 mg",), "every 8 hours as needed"),
)

NEUROPSYCHIATRIC = (
    Drug("levetiracetam", "levetiracetam", ("500 mg", "750 mg", "1000 mg", "1500 mg"), "twice daily"),
    Drug("lamotrigine", "lamotrigine", ("50 mg", "100 mg", "150 mg", "200 mg"), "twice daily"),
    Drug("lacosamide", "lacosamide", ("50 mg", "100 mg"), "twice daily"),
    Drug(
        "gabapentin",
        "gabapentinoid",
        ("100 mg", "300 mg", "600 mg"),
        "three times daily",
        form="Capsule",
        conflicts=(_ESRD,),
    ),
    Drug("sertraline", "antidepressant", ("25 mg", "50 mg", "100 mg", "150 mg")),
    Drug("citalopram", "antidepressant", ("10 mg", "20 mg")),
    Drug("escitalopram", "antidepressant", ("5 mg", "10 mg", "20 mg")),
    Drug(
        "bupropion XL", "antidepressant", ("150 mg", "300 mg"), conflicts=("seizure disorder", "alcohol use disorder")
    ),
    Drug("mirtazapine", "antidepressant", ("15 mg", "30 mg"), "at bedtime"),
    Drug("trazodone", "sedative antidepressant", ("50 mg", "100 mg"), "at bedtime"),
    Drug("quetiapine", "antipsychotic", ("25 mg", "50 mg", "100 mg", "200 mg"), "at bedtime"),
    Drug(
        "lithium carbonate",
        "lithium",
        ("300 mg", "600 mg"),
        "twice daily",
        form="Capsule",
        conflicts=(*_RENAL, "RAS inhibitor", "thiazide", "NSAID"),
    ),
    Drug("lorazepam", "benzodiazepine", ("0.5 mg", "1 mg"), "as needed for anxiety"),
    Drug("donepezil", "cholinesterase inhibitor", ("5 mg", "10 mg"), "at bedtime"),
    Drug("memantine", "memantine", ("5 mg", "10 mg"), "twice daily"),
    Drug("carbidopa-levodopa", "levodopa", ("25-100 mg",), "three times daily"),
    Drug("naltrexone", "naltrexone", ("50 mg",), conflicts=("opioid", "cirrhosis")),
    Drug(
        "buprenorphine-naloxone", "opioid agonist", ("4-1 mg", "8-2 mg"), "daily", "SL", "Film", conflicts=("opioid",)
    ),
    Drug("naloxone", "opioid antagonist", ("4 mg",), "as needed for overdose", "NAS", "Spray"),
    Drug("nicotine patch", "nicotine", ("14 mg", "21 mg"), "daily", "TD", "Patch"),
    Drug("acetaminophen", "acetaminophen", ("650 mg", "1000 mg"), "every 6 hours as needed", conflicts=("cirrhosis",)),
    Drug(
        "ibuprofen",
        "NSAID",
        ("400 mg", "600 mg"),
        "three times daily",
        conflicts=(*_RENAL, _HEART_FAILURE, "cirrhosis"),
        allergens=_NSAID,
    ),
    Drug(
        "naproxen",
        "NSAID",
        ("250 mg", "500 mg"),
        "twice daily",
        conflicts=(*_RENAL, _HEART_FAILURE, "cirrhosis"),
        allergens=_NSAID,
    ),
    Drug(
        "oxycodone",
        "opioid",
        ("5 mg", "10 mg"),
        "every 6 hours as needed",
        conflicts=("opioid agonist",),
        allergens=_OPIOID,
    ),
    Drug(
        "hydromorphone",
        "opioid",
        ("2 mg", "4 mg"),
        "every 4 hours as needed",
        conflicts=("opioid agonist",),
        allergens=_OPIOID,
    ),
    Drug(
        "tramadol",
        "opioid",
        ("50 mg",),
        "every 6 hours as needed",
        conflicts=("antidepressant", "seizure disorder", "opioid agonist"),
        allergens=_OPIOID,
    ),
)

ANTIMICROBIAL = (
    Drug(
        "levofloxacin", "fluoroquinolone", ("250 mg", "500 mg", "750 mg"), conflicts=("antiarrhythmic",), allergens=_FQ
    ),
    Drug("ciprofloxacin", "fluoroquinolone", ("500 mg",), "twice daily", allergens=_FQ),
    Drug("azithromycin", "macrolide", ("250 mg", "500 mg"), conflicts=("antiarrhythmic",)),
    Drug("doxycycline", "tetracycline", ("100 mg",), "twice daily", form="Capsule"),
    Drug("amoxicillin-clavulanate", "penicillin", ("875 mg",), "twice daily", allergens=_PCN),
    Drug("amoxicillin", "penicillin", ("1000 mg",), "three times daily", form="Capsule", allergens=_PCN),
    Drug("cephalexin", "cephalosporin", ("500 mg",), "four times daily", form="Capsule", allergens=_CEPH),
    Drug("cefpodoxime", "cephalosporin", ("200 mg",), "twice daily", allergens=_CEPH),
    Drug("ceftriaxone", "cephalosporin", ("1 g", "2 g"), "every 24 hours", "IV", "Solution", allergens=_CEPH),
    Drug("cefazolin", "cephalosporin", ("2 g",), "every 8 hours", "IV", "Solution", allergens=_CEPH),
    Drug("cefepime", "cephalosporin", ("2 g",), "every 8 hours", "IV", "Solution", allergens=_CEPH),
    Drug("nafcillin", "penicillin", ("2 g",), "every 4 hours", "IV", "Solution", allergens=_PCN),
    Drug("piperacillin-tazobactam", "penicillin", ("4.5 g",), "every 8 hours", "IV", "Solution", allergens=_PCN),
    Drug("ampicillin-sulbactam", "penicillin", ("3 g",), "every 6 hours", "IV", "Solution", allergens=_PCN),
    Drug("ertapenem", "carbapenem", ("1 g",), "every 24 hours", "IV", "Solution", conflicts=("seizure disorder",)),
    Drug("meropenem", "carbapenem", ("1 g",), "every 8 hours", "IV", "Solution", conflicts=("seizure disorder",)),
    Drug(
        "vancomycin", "glycopeptide", ("1 g", "1.25 g"), "every 12 hours", "IV", "Solution", allergens=("vancomycin",)
    ),
    Drug(
        "oral vancomycin",
        "oral glycopeptide",
        ("125 mg",),
        "four times daily",
        form="Capsule",
        allergens=("vancomycin",),
    ),
    Drug("fidaxomicin", "fidaxomicin", ("200 mg",), "twice daily"),
    Drug("daptomycin", "lipopeptide", ("500 mg",), "every 24 hours", "IV", "Solution"),
    Drug("metronidazole", "nitroimidazole", ("500 mg",), "three times daily", conflicts=("anticoagulant",)),
    Drug("clindamycin", "lincosamide", ("300 mg",), "four times daily", form="Capsule"),
    Drug(
        "trimethoprim-sulfamethoxazole",
        "sulfa antibiotic",
        ("800-160 mg",),
        "twice daily",
        conflicts=("anticoagulant", "RAS inhibitor", *_RENAL),
        allergens=_SULFA,
    ),
    Drug("aztreonam", "monobactam", ("2 g",), "every 8 hours", "IV", "Solution"),
    Drug("oseltamivir", "antiviral", ("75 mg",), "twice daily", form="Capsule", conflicts=_RENAL),
    Drug("acyclovir", "acyclovir", ("400 mg",), "twice daily"),
)

LEXICON = {
    drug.name: drug for drug in CARDIOVASCULAR + METABOLIC + PULMONARY_AND_DIGESTIVE + NEUROPSYCHIATRIC + ANTIMICROBIAL
}

_BY_LOWER_NAME = {name.lower(): drug for name, drug in LEXICON.items()}
_LONGEST_FIRST = sorted(_BY_LOWER_NAME, key=len, reverse=True)
_ORDER = re.compile(r"^(?P<name>.+?) (?P<dose>\d[\d.-]* (?:mg|mcg|g|units|mL))(?: (?P<frequency>.+))?$")
_MENTION = re.compile(r"(?<![\w-])(?:" + "|".join(map(re.escape, _LONGEST_FIRST)) + r")(?![\w-])", re.IGNORECASE)


def medication(order: str, days: int = 0) -> Medication:
    """The medication that an order names, for example 'furosemide 40 mg' or 'enoxaparin 80 mg every 12 hours'."""
    match = _ORDER.match(order)
    if match is None:
        raise ContractError(f"{order!r} is no order: it needs a name of the lexicon and a dose with its unit")
    drug = LEXICON[match["name"]]
    return Medication(drug, match["dose"], match["frequency"] or drug.frequency, days)


def drugs_in(text: str) -> tuple[Drug, ...]:
    """Every drug of the lexicon that the text names, in its order."""
    return tuple(_BY_LOWER_NAME[name.lower()] for name in _MENTION.findall(text))
