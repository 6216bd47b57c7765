"""Prose of the toxicology scenarios."""

from lab_lens.notes.synthesis.narrative import HYPOXIC, STABLE, Narrative, Vitals

NARRATIVES = {
    "alcohol_withdrawal": Narrative(
        story=(
            "{He} drinks {drinks} daily and stopped [abruptly|when money ran out|to get sober].",
            "[{He} has had withdrawal seizures in the past.|There is no history of complicated withdrawal.]",
            "In the ED ethanol level was {ethanol_level} and CIWA score {ciwa}.",
        ),
        course=(
            "{He} was treated with {treatment}, scoring up to {ciwa} at first and below 5 for the last day.",
            "Magnesium of {magnesium} was repleted, and thiamine, folate and a multivitamin were given.",
            (
                "AST was {AST}, consistent with alcohol use. Social work met with {him}[ and offered residential "
                "treatment|]."
            ),
        ),
        advice="You were admitted with alcohol withdrawal. We strongly recommend that you do not drink alcohol.",
        warning="shaking, seizures, hallucinations, or black stools",
        vitals=Vitals((98.6, 100.2), (104, 128), (148, 178), (18, 24), (95, 99)),
        exam={
            "General": "tremulous, diaphoretic, anxious",
            "Neuro": "coarse tremor, tongue fasciculations, no asterixis",
        },
    ),
    "opioid_overdose": Narrative(
        story=(
            (
                "[A friend found {him} in a bathroom|Bystanders called EMS], who noted pinpoint pupils and a "
                "respiratory rate of 6."
            ),
            "{He} woke after {naloxone_mg} mg of naloxone.",
            "pH was {pH} and chest x-ray showed patchy bilateral opacities.",
        ),
        course=(
            "{He} was monitored in the ICU with {treatment}, without need for intubation.",
            "CK was {CK} at presentation and {CK_last} at discharge.",
            (
                "Addiction medicine discussed treatment, and {he} was interested in [buprenorphine|medication for "
                "opioid use]."
            ),
        ),
        advice=(
            "You were admitted with an overdose. Carry naloxone, never use alone, and keep your appointment with the "
            "addiction clinic."
        ),
        warning="sleepiness, trouble breathing, fever, or thoughts of harming yourself",
        vitals=HYPOXIC,
        exam={"HEENT": "pupils 1 mm and sluggish", "Lungs": "coarse at both bases", "Skin": "track marks, no abscess"},
    ),
    "acetaminophen_overdose": Narrative(
        story=(
            "The ingestion followed [a breakup|the loss of a job|an argument with family].",
            "{He} [told {his} mother|called a friend] and was brought in.",
            "Acetaminophen level was {acetaminophen_level}, ALT {ALT} and INR {INR}.",
        ),
        course=(
            "{He} was treated with {treatment} by protocol until the level was undetectable and ALT was falling.",
            "ALT was {ALT_last} and INR {INR_last} before discharge, without encephalopathy.",
            "Psychiatry followed closely and a one to one sitter was present throughout.",
        ),
        advice="You were treated for taking too much acetaminophen. Do not take acetaminophen or drink alcohol.",
        warning="thoughts of harming yourself, yellow skin, or confusion",
        vitals=STABLE,
        exam={
            "Abdomen": "mild right upper quadrant tenderness, no rebound",
            "Neuro": "alert, no asterixis, flat affect",
        },
    ),
    "lithium_toxicity": Narrative(
        story=(
            "{He} had been [vomiting and eating little|working outside in the heat] before the tremor worsened.",
            "{He} kept taking lithium as prescribed.",
            "Lithium level was {lithium_level} and creatinine {creatinine}.",
        ),
        course=(
            "Toxicology and nephrology were consulted, and {he} received {treatment}.",
            "Lithium level fell from {lithium_level} to {lithium_level_last} and creatinine to {creatinine_last}.",
            "Tremor and ataxia resolved. Psychiatry chose another mood stabilizer.",
        ),
        advice="You were admitted because your lithium level was too high. Do not take lithium any more.",
        warning="shaking, confusion, unsteady walking, or change in mood",
        vitals=STABLE,
        exam={"Neuro": "coarse tremor, hyperreflexia, wide based gait, slowed", "HEENT": "dry mucous membranes"},
    ),
}
