"""Chronic conditions with rounded adult prevalences and usual medication, and allergies as charts list them.

Nothing here depends on ethnicity: a model cannot learn, and a fairness check must not find, a planted difference.
"""

from lab_lens.notes.synthesis.model import Allergy, Condition

_STATIN = ("atorvastatin 20 mg", "atorvastatin 40 mg", "rosuvastatin 10 mg", "pravastatin 40 mg")
_PPI = ("omeprazole 20 mg", "pantoprazole 40 mg")
_SSRI = ("sertraline 50 mg", "sertraline 100 mg", "citalopram 20 mg", "escitalopram 10 mg")
_ANTIHYPERTENSIVE = (
    "lisinopril 10 mg",
    "lisinopril 20 mg",
    "amlodipine 5 mg",
    "losartan 50 mg",
    "hydrochlorothiazide 25 mg",
    "atenolol 50 mg",
)

CONDITIONS = (
    Condition("hypertension", "HTN", (0.12, 0.45, 0.65), (_ANTIHYPERTENSIVE,)),
    Condition("hyperlipidemia", "HLD", (0.05, 0.32, 0.42), (_STATIN,)),
    Condition(
        "type 2 diabetes mellitus",
        "DM2",
        (0.04, 0.2, 0.26),
        (("metformin 500 mg", "metformin 1000 mg", "glipizide 5 mg", "insulin glargine 18 units"),),
        excludes=("type 1 diabetes mellitus",),
    ),
    Condition(
        "coronary artery disease",
        "CAD",
        (0.0, 0.13, 0.28),
        (("aspirin 81 mg",), ("metoprolol succinate 50 mg", "metoprolol tartrate 25 mg"), _STATIN),
    ),
    Condition(
        "atrial fibrillation",
        "AF",
        (0.0, 0.06, 0.2),
        (("warfarin 3 mg", "warfarin 5 mg", "apixaban 5 mg"), ("metoprolol succinate 50 mg", "diltiazem ER 180 mg")),
    ),
    Condition(
        "systolic heart failure",
        "CHF",
        (0.0, 0.05, 0.12),
        (
            ("furosemide 20 mg", "furosemide 40 mg"),
            ("carvedilol 6.25 mg", "metoprolol succinate 50 mg"),
            ("lisinopril 10 mg",),
        ),
    ),
    Condition("chronic kidney disease stage 3", "CKD", (0.01, 0.08, 0.18), excludes=("end-stage renal disease",)),
    Condition(
        "end-stage renal disease",
        "ESRD",
        drugs=(("sevelamer 800 mg",), ("calcitriol 0.25 mcg",)),
        excludes=("chronic kidney disease stage 3",),
    ),
    Condition(
        "chronic obstructive pulmonary disease",
        "COPD",
        (0.0, 0.1, 0.16),
        (("tiotropium 18 mcg", "fluticasone-salmeterol 250-50 mcg"), ("albuterol 90 mcg",)),
        excludes=("asthma",),
    ),
    Condition(
        "asthma",
        "asthma",
        (0.1, 0.07, 0.05),
        (("albuterol 90 mcg",), ("fluticasone-salmeterol 100-50 mcg", "montelukast 10 mg")),
        excludes=("chronic obstructive pulmonary disease",),
    ),
    Condition("gastroesophageal reflux disease", "GERD", (0.07, 0.18, 0.2), (_PPI,)),
    Condition(
        "hypothyroidism", "hypothyroidism", (0.03, 0.08, 0.13), (("levothyroxine 50 mcg", "levothyroxine 88 mcg"),)
    ),
    Condition(
        "depression", "depression", (0.14, 0.15, 0.12), ((*_SSRI, "mirtazapine 15 mg"),), excludes=("bipolar disorder",)
    ),
    Condition("anxiety", "anxiety", (0.12, 0.1, 0.06), (("lorazepam 0.5 mg", "trazodone 50 mg"),)),
    Condition(
        "bipolar disorder", "bipolar disorder", (0.03, 0.02, 0.01), (("quetiapine 100 mg", "lithium carbonate 300 mg"),)
    ),
    Condition(
        "osteoarthritis", "OA", (0.01, 0.14, 0.25), (("acetaminophen 650 mg", "ibuprofen 600 mg", "naproxen 500 mg"),)
    ),
    Condition(
        "osteoporosis", "osteoporosis", (0.0, 0.06, 0.2), (("alendronate 70 mg",), ("cholecalciferol 1000 units",)), "F"
    ),
    Condition(
        "benign prostatic hyperplasia", "BPH", (0.0, 0.1, 0.3), (("tamsulosin 0.4 mg", "finasteride 5 mg"),), "M"
    ),
    Condition("gout", "gout", (0.01, 0.06, 0.09), (("allopurinol 100 mg", "allopurinol 300 mg"),)),
    Condition("obstructive sleep apnea", "OSA", (0.04, 0.11, 0.09)),
    Condition("obesity", "obesity", (0.14, 0.16, 0.08)),
    Condition("prior stroke", "CVA", (0.0, 0.05, 0.11), (("clopidogrel 75 mg", "aspirin 81 mg"), _STATIN)),
    Condition(
        "seizure disorder", "seizure disorder", (0.03, 0.02, 0.02), (("levetiracetam 500 mg", "lamotrigine 100 mg"),)
    ),
    Condition("dementia", "dementia", (0.0, 0.0, 0.1), (("donepezil 10 mg", "memantine 10 mg"),)),
    Condition("Parkinson's disease", "PD", (0.0, 0.01, 0.03), (("carbidopa-levodopa 25-100 mg",),)),
    Condition("rheumatoid arthritis", "RA", (0.01, 0.03, 0.03), (("hydroxychloroquine 200 mg", "methotrexate 15 mg"),)),
    Condition("peripheral vascular disease", "PVD", (0.0, 0.04, 0.08), (("aspirin 81 mg",), _STATIN)),
    Condition("iron deficiency anemia", "iron deficiency anemia", (0.05, 0.04, 0.06), (("ferrous sulfate 325 mg",),)),
    Condition("chronic low back pain", "low back pain", (0.06, 0.1, 0.08), (("gabapentin 300 mg", "tramadol 50 mg"),)),
    Condition("hepatitis C", "HCV", (0.02, 0.05, 0.01)),
    Condition("breast cancer status post lumpectomy", "breast CA", (0.0, 0.04, 0.07), (("anastrozole 1 mg",),), "F"),
    Condition("prostate cancer status post radiation", "prostate CA", (0.0, 0.02, 0.09), (), "M"),
    Condition("alcohol use disorder", "EtOH abuse", (0.05, 0.07, 0.02), (("thiamine 100 mg",), ("folic acid 1 mg",))),
    Condition("opioid use disorder", "OUD", (0.01, 0.01, 0.0), excludes=("chronic low back pain",)),
    Condition(
        "cirrhosis",
        "cirrhosis",
        drugs=(
            ("spironolactone 50 mg", "spironolactone 100 mg"),
            ("furosemide 20 mg", "furosemide 40 mg"),
            ("nadolol 20 mg",),
        ),
        excludes=("systolic heart failure",),
    ),
    Condition(
        "type 1 diabetes mellitus",
        "DM1",
        drugs=(
            ("insulin glargine 18 units", "insulin glargine 22 units"),
            ("insulin lispro 4 units", "insulin lispro 6 units"),
        ),
        excludes=("type 2 diabetes mellitus",),
    ),
    Condition(
        "sickle cell disease",
        "sickle cell disease",
        drugs=(("hydroxyurea 500 mg", "hydroxyurea 1000 mg"), ("folic acid 1 mg",)),
    ),
    Condition("ulcerative colitis", "UC", drugs=(("mesalamine 800 mg",),)),
    Condition("aortic stenosis", "AS"),
    Condition("adrenal insufficiency", "adrenal insufficiency", drugs=(("hydrocortisone 20 mg",),)),
    Condition("uterine fibroids", "fibroids", drugs=(("ferrous sulfate 325 mg",),), sex="F"),
    Condition("acute myeloid leukemia", "AML", drugs=(("acyclovir 400 mg",),)),
    Condition("hyperthyroidism", "hyperthyroidism", excludes=("hypothyroidism",)),
)

BY_NAME = {condition.name: condition for condition in CONDITIONS}

ALLERGIES = (
    Allergy("penicillin", "Penicillins", ("rash", "hives"), 3.0),
    Allergy("cephalosporin", "Cephalosporins", ("hives", "rash"), 0.6),
    Allergy("sulfa", "Sulfa (Sulfonamide Antibiotics)", ("rash", "hives"), 2.0),
    Allergy("opioid", "Codeine / Morphine", ("itching", "nausea and vomiting"), 1.2),
    Allergy("ACE inhibitor", "Lisinopril", ("cough", "angioedema"), 1.2),
    Allergy("NSAID", "Nsaids", ("stomach upset", "hives"), 0.7),
    Allergy("aspirin", "Aspirin", ("wheezing", "hives"), 0.5),
    Allergy("fluoroquinolone", "Levofloxacin", ("tendon pain", "rash"), 0.8),
    Allergy("vancomycin", "Vancomycin", ("flushing", "rash"), 0.5),
    Allergy("latex", "Latex", ("rash",), 0.6),
    Allergy("shellfish", "Shellfish Derived", ("hives",), 0.6),
)
