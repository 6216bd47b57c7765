"""Every reason for admission, by specialty."""

from lab_lens.notes.synthesis.scenarios import (
    cardiology,
    coronary,
    endocrinology,
    gastroenterology,
    haematology,
    hepatobiliary,
    infection,
    neurology,
    orthopaedics,
    pulmonary,
    renal,
    surgery,
    toxicology,
    urogynaecology,
)

SCENARIOS = (
    *cardiology.SCENARIOS,
    *coronary.SCENARIOS,
    *endocrinology.SCENARIOS,
    *gastroenterology.SCENARIOS,
    *haematology.SCENARIOS,
    *hepatobiliary.SCENARIOS,
    *infection.SCENARIOS,
    *neurology.SCENARIOS,
    *orthopaedics.SCENARIOS,
    *pulmonary.SCENARIOS,
    *renal.SCENARIOS,
    *surgery.SCENARIOS,
    *toxicology.SCENARIOS,
    *urogynaecology.SCENARIOS,
)
