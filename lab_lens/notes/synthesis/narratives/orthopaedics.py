"""Prose of the orthopaedics scenarios."""

from lab_lens.notes.synthesis.narrative import IN_PAIN, STABLE, Narrative

NARRATIVES = {
    "hip_fracture": Narrative(
        story=(
            "{He} [tripped over a rug|slipped in the bathroom|missed a step] and could not stand.",
            "{He} walks [with a cane|without help] at baseline.",
            "Hip x-ray showed a displaced {side} {fracture} fracture. CT head and cervical spine were negative.",
        ),
        course=(
            "Pain was treated with {treatment}, and medicine cleared {him} for surgery.",
            "Hemoglobin fell from {hemoglobin} to {hemoglobin_last} after surgery.",
            "{He} is weight bearing as tolerated and worked with physical therapy.",
        ),
        advice=(
            "You broke your hip and had surgery. You may put weight on the leg as tolerated. Staples come out in 2 "
            "weeks."
        ),
        warning="fever, drainage from the wound, calf pain, or chest pain",
        vitals=IN_PAIN,
        exam={"Extremities": "{side} leg shortened and externally rotated, toes warm, sensation intact"},
    ),
    "knee_replacement": Narrative(
        story=(
            "{He} has failed [bracing and physical therapy|injections and oral analgesics].",
            "Knee x-ray showed tricompartmental {side} knee osteoarthritis.",
            "After discussion of risks {he} elected surgery.",
        ),
        course=(
            "The operation was [uncomplicated|well tolerated] under [spinal|general] anesthesia.",
            "Pain was controlled with {treatment}.",
            "{He} reached {flexion} degrees of flexion and walked the hallway. Hemoglobin was {hemoglobin_last}.",
        ),
        advice=(
            "You had a knee replacement. Keep the dressing dry, and use the walker. No driving while taking pain "
            "medication."
        ),
        warning="fever, redness or drainage, calf swelling, or shortness of breath",
        vitals=STABLE,
        exam={"Extremities": "{side} knee with crepitus, small effusion, no warmth"},
    ),
}
