"""Prose of the gastroenterology scenarios."""

from lab_lens.notes.synthesis.narrative import FEBRILE, HYPOTENSIVE, IN_PAIN, TACHYCARDIC, Narrative

NARRATIVES = {
    "upper_gi_bleed": Narrative(
        story=(
            "{He} felt [faint on standing|weak and short of breath on the stairs].",
            "[{He} has never had an endoscopy.|An ulcer was found many years ago.]",
            "Hemoglobin was {hemoglobin} and BUN {BUN}; nasogastric lavage [was not done|showed coffee grounds].",
        ),
        course=(
            "{He} was resuscitated with {treatment}.",
            "EGD showed a {size} mm {site} ulcer with a visible vessel.",
            "[Biopsies were negative for H. pylori.|H. pylori serology was sent and is pending.]",
            "Hemoglobin rose from {hemoglobin} to {hemoglobin_last} and was stable for 36 hours.",
        ),
        advice=(
            "You were admitted with bleeding from an ulcer. Do not take aspirin, ibuprofen or naproxen, and take your "
            "acid suppressing pill."
        ),
        warning="black or bloody stools, vomiting blood, or lightheadedness",
        vitals=HYPOTENSIVE,
        exam={"General": "pale", "Abdomen": "soft, mild epigastric tenderness, guaiac positive melena"},
    ),
    "lower_gi_bleed": Narrative(
        story=(
            "{He} had [three|four|five] large bloody bowel movements at home.",
            "[The last colonoscopy was 6 years ago.|{He} has never had a colonoscopy.]",
            "Hemoglobin was {hemoglobin} and INR {INR}.",
        ),
        course=(
            "{He} received {treatment}, and bleeding stopped [spontaneously|within a day].",
            "Colonoscopy showed {segment} diverticulosis with old blood.",
            "Hemoglobin was {hemoglobin_last} at discharge. Surgery was aware but was not needed.",
        ),
        advice="You were admitted with bleeding from pouches in your colon. Eat a high fiber diet.",
        warning="more bleeding, lightheadedness, or abdominal pain",
        vitals=TACHYCARDIC,
        exam={"Abdomen": "soft, nontender, maroon stool in the vault"},
    ),
    "ulcerative_colitis": Narrative(
        story=(
            "{He} had up to {stools} bloody stools a day, some at night.",
            (
                "[{He} had taken mesalamine irregularly.|A course of budesonide had not helped.|Symptoms began during "
                "a stressful month.]"
            ),
            "CRP was {CRP}, hemoglobin {hemoglobin} and albumin {albumin}.",
        ),
        course=(
            "{He} was treated with {treatment}.",
            "Stool studies including C. difficile were negative.",
            "CRP fell from {CRP} to {CRP_last}, and {he} had 2 to 3 formed stools at discharge.",
        ),
        advice=(
            "You were admitted with a flare of ulcerative colitis. Take prednisone as directed; your "
            "gastroenterologist will tell you how to taper it."
        ),
        warning="more bleeding, fever, severe belly pain, or a swollen belly",
        vitals=TACHYCARDIC,
        exam={"Abdomen": "soft, left lower quadrant tenderness, no peritoneal signs"},
    ),
    "clostridium_difficile": Narrative(
        story=(
            "{He} had recently taken {culprit}.",
            "{He} reports about {stools} watery stools a day.",
            (
                "WBC was {WBC} and creatinine {creatinine}. CT abdomen showed diffuse colonic wall thickening without "
                "megacolon."
            ),
        ),
        course=(
            "Stool toxin was positive and {he} was treated with {treatment}.",
            "WBC fell from {WBC} to {WBC_last} and creatinine to {creatinine_last} with fluids.",
            "Stool frequency [fell to 3 a day|decreased to twice daily] before discharge.",
        ),
        advice=(
            "You were admitted with an infection of the colon called C. difficile. Wash your hands with soap and "
            "water and finish the antibiotic."
        ),
        warning="worsening diarrhea, belly pain, fever, or dizziness",
        vitals=FEBRILE,
        exam={"Abdomen": "soft, diffusely tender, no rebound", "HEENT": "dry mucous membranes"},
    ),
    "small_bowel_obstruction": Narrative(
        story=(
            "{He} has a history of {old_surgery}[ and of one similar episode|].",
            "The last bowel movement was [two|three] days ago.",
            (
                "CT abdomen showed dilated small bowel to {caliber} cm with a transition point in the {quadrant}. "
                "Lactate was {lactate}."
            ),
        ),
        course=(
            "{He} was managed with {treatment} and serial examinations.",
            "Potassium of {potassium} was repleted.",
            "Flatus returned in the following days, and diet was advanced without nausea.",
        ),
        advice="You were admitted with a blockage of the small bowel. Eat small meals and chew well.",
        warning="vomiting, a swollen belly, or no gas or bowel movements",
        vitals=IN_PAIN,
        exam={"Abdomen": "distended, tympanitic, mildly tender, no rebound, well healed midline scar"},
    ),
}
