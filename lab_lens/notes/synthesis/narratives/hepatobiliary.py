"""Prose of the hepatobiliary scenarios."""

from lab_lens.notes.synthesis.narrative import IN_PAIN, SEPTIC, STABLE, Narrative

NARRATIVES = {
    "pancreatitis": Narrative(
        story=(
            "The pain was [constant and boring|10/10] and worse with food.",
            "[{He} has had similar but milder attacks.|This was the first such attack.]",
            "Lipase was {lipase} and WBC {WBC}. CT abdomen showed {finding_detail}.",
        ),
        course=(
            "{He} was treated with {treatment}, and diet was advanced on hospital day 3.",
            (
                "[MRCP showed no retained stone.|Triglycerides and calcium were checked.|Ultrasound showed no ductal "
                "dilation.]"
            ),
            "Lipase fell from {lipase} to {lipase_last}. The pancreatitis was judged {cause}.",
        ),
        advice="You were admitted with inflammation of the pancreas. Eat a low fat diet and avoid alcohol.",
        warning="worsening abdominal pain, fever, or vomiting",
        vitals=IN_PAIN,
        exam={
            "Abdomen": "epigastric tenderness with voluntary guarding, decreased bowel sounds",
            "General": "in moderate distress",
        },
    ),
    "cirrhosis": Narrative(
        story=(
            "{His} [wife|sister|roommate|son] noted that {he} [slept all day|could not work the telephone].",
            (
                "[{He} had missed lactulose for a week.|{He} had fewer bowel movements than usual.|A new sleeping "
                "pill was suspected.]"
            ),
            "Ammonia was {ammonia} and total bilirubin {total_bilirubin}. CT head showed no bleeding.",
        ),
        course=(
            "{He} was treated with {treatment} to 3 or 4 bowel movements a day, and asterixis resolved.",
            "Abdominal ultrasound showed a nodular liver with {ascites} ascites and patent portal vein.",
            "Infectious work-up was negative, and there was no evidence of gastrointestinal bleeding.",
            "Platelets were {platelets}, at baseline.",
        ),
        advice=(
            "You were admitted with confusion from liver disease. Take lactulose so that you have 3 bowel movements a "
            "day."
        ),
        warning="confusion, black stools, fever, or a swollen belly",
        vitals=STABLE,
        exam={
            "Abdomen": "distended, shifting dullness, nontender",
            "Neuro": "oriented to name only, asterixis",
            "Skin": "jaundiced, spider angiomata",
        },
    ),
    "cholangitis": Narrative(
        story=(
            "[Urine has been dark for two days.|{He} noticed yellow eyes.]",
            "Total bilirubin was {total_bilirubin} and alkaline phosphatase {alkaline_phosphatase}, with WBC {WBC}.",
            "Right upper quadrant ultrasound showed a common bile duct of {duct} mm with stones.",
        ),
        course=(
            "{He} was started on {treatment} and taken for urgent ERCP.",
            "Total bilirubin fell from {total_bilirubin} to {total_bilirubin_last}.",
            "Surgery recommended interval cholecystectomy.",
        ),
        advice="You were admitted with an infection of the bile ducts caused by a gallstone, which was removed.",
        warning="fever, yellow skin, or abdominal pain",
        vitals=SEPTIC,
        exam={"Abdomen": "right upper quadrant tenderness, no Murphy's sign", "Skin": "jaundiced"},
    ),
}
