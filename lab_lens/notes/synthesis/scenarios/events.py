"""Complications that several reasons for admission share."""

from lab_lens.notes.synthesis.model import Event, Stop

ACUTE_KIDNEY_INJURY = Event(
    "acute kidney injury",
    (
        (
            "Creatinine rose to {peak_creatinine}, which was attributed to [contrast and diuresis|poor forward "
            "flow|contrast]."
        ),
    ),
    0.22,
    stops=(Stop(("RAS inhibitor", "NSAID", "biguanide"), "because of acute kidney injury"),),
)

ILEUS = Event("ileus", ("An ileus [slowed|delayed] return to diet and resolved without a tube.",), 0.18)

POSTOPERATIVE_DELIRIUM = Event(
    "postoperative delirium",
    ("{He} was delirious on postoperative day {pod}, which cleared with sleep and reorientation.",),
    0.2,
)

URINARY_RETENTION = Event(
    "urinary retention", ("Urinary retention required a Foley catheter until postoperative day {pod}.",), 0.14
)

BLOOD_LOSS_ANEMIA = Event(
    "blood loss anemia", ("{He} received {units} units of red cells for acute blood loss anemia.",), 0.25
)
