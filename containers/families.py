"""What each image family carries, and the layers that families share. Everything here is data."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """One image family.

    Args:
        extras: lab-lens's extras whose packages the image carries.
        core: those of lab-lens's own requirements that the image carries; None: all of them.
        alone: distributions that the image carries without what they require.
    """

    extras: tuple[str, ...]
    core: frozenset[str] | None = None
    alone: tuple[str, ...] = ()


# A task starts through `kfp.dsl.executor_main`, which needs nothing of what kfp requires to compile a pipeline.
_TASKS = ("kfp",)

FAMILIES = {
    "trainer": Family(("train", "explain", "tracking", "serving", "tuning", "cloud"), alone=_TASKS),
    "evaluator": Family(("tracking", "storage"), alone=_TASKS),
    "ops": Family(("tracking", "cloud"), alone=_TASKS),
    # No tables, no plots, no metrics: those who serve a model prepare and evaluate nothing.
    "serving": Family(("serving", "storage"), core=frozenset({"filelock", "numpy", "pydantic", "pyyaml", "rich"})),
}

# A layer, and the families that share it; a package lies in the smallest layer that reaches every family that needs it.
LAYERS = {
    "runtime": frozenset({"trainer", "evaluator", "ops", "serving"}),
    "torch": frozenset({"trainer", "serving"}),
    "inference": frozenset({"trainer", "serving"}),
    "analysis": frozenset({"trainer", "evaluator", "ops"}),
    "training": frozenset({"trainer"}),
    "cloud": frozenset({"trainer", "ops"}),
}

VARIANTS = ("cpu", "cuda")

# Requirements that no image satisfies, and why.
LEFT_OUT = {"setuptools": "torch needs it only to compile C++ extensions, and images have no compiler"}
