"""The prose of every scenario, by its key."""

from lab_lens.notes.synthesis.narratives import (
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

NARRATIVES = {
    **cardiology.NARRATIVES,
    **coronary.NARRATIVES,
    **endocrinology.NARRATIVES,
    **gastroenterology.NARRATIVES,
    **haematology.NARRATIVES,
    **hepatobiliary.NARRATIVES,
    **infection.NARRATIVES,
    **neurology.NARRATIVES,
    **orthopaedics.NARRATIVES,
    **pulmonary.NARRATIVES,
    **renal.NARRATIVES,
    **surgery.NARRATIVES,
    **toxicology.NARRATIVES,
    **urogynaecology.NARRATIVES,
}
