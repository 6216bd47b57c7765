"""Names of the image families; compilation turns a family into a registry, a tag or a digest."""

TRAINER = "lab-lens-trainer"
EVALUATOR = "lab-lens-evaluator"
OPS = "lab-lens-ops"
