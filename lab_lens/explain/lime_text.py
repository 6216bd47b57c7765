"""LIME on the units of a note: which of them the model's own summary depends on.

Ribeiro, Singh and Guestrin (2016), "Why Should I Trust You?": a ridge regression on which units were kept, weighted by
closeness to the whole note, with lime's neighbourhood and kernel for text. What is explained is the log-likelihood of
the summary that the model gave, not a property of the text that comes out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab_lens.errors import InputError
from lab_lens.explain.units import Unit, without

FloatArray = NDArray[np.float64]
# Log-likelihood of one fixed summary given each of n texts, in nats a summary token: shape (n,).
Likelihood = Callable[[Sequence[str]], FloatArray]

# lime's own values for text: cosine distance in percent, and the width of its exponential kernel.
_KERNEL_WIDTH = 25.0
_DISTANCE_SCALE = 100.0
# A linear model needs more observations than unknowns, or its weights are made of the penalty.
PERTURBATIONS_PER_UNIT = 3


@dataclass(frozen=True)
class LimeExplanation:
    """Weights of the units of a note.

    Attributes:
        units: m units, in the order of the note.
        weights: m numbers, nats a summary token: how much more likely the summary is when the unit is there.
        r2: weighted R squared of the linear model on the perturbed notes, at most 1; low: do not trust the weights.
            None where the likelihood is the same for every perturbed note.
    """

    units: Sequence[Unit]
    weights: Sequence[float]
    r2: float | None

    def strongest(self, count: int) -> list[tuple[str, float]]:
        """Label and weight of the units of largest absolute weight, strongest first."""
        pairs = zip((unit.label for unit in self.units), self.weights, strict=True)
        return sorted(pairs, key=lambda pair: -abs(pair[1]))[:count]


def explain_units(
    text: str, units: Sequence[Unit], likelihood: Likelihood, *, perturbations: int, seed: int
) -> LimeExplanation:
    """Explain the likelihood of a summary by the units of its note.

    Args:
        text: the note as far as the model reads it.
        units: at least two, disjoint.
        likelihood: of the summary that is explained; called once.
        perturbations: texts that are scored, the whole note among them.
        seed: of the perturbations.

    Raises:
        InputError: fewer than two units, so that nothing can be ranked.
    """
    if len(units) < 2:
        raise InputError(f"a note of {len(units)} sentences cannot be explained: nothing is there to rank")
    from lime.lime_base import LimeBase

    masks = neighbourhood(len(units), perturbations, seed)
    scores = likelihood([without(text, _removed(units, mask)) for mask in masks])
    regression = LimeBase(_kernel, random_state=seed)
    _, weights, r2, _ = regression.explain_instance_with_data(
        masks,
        scores[:, None],
        _cosine_distances(masks),
        label=0,
        num_features=len(units),
        feature_selection="none",
    )
    by_unit = dict(weights)
    varies = float(np.ptp(scores)) > 0.0
    return LimeExplanation(units, [float(by_unit[index]) for index in range(len(units))], float(r2) if varies else None)


def neighbourhood(units: int, perturbations: int, seed: int) -> FloatArray:
    """Masks of kept units, as lime draws them: a uniform number of units, then which ones, is removed.

    At least one unit always stays, since the distance of an empty note from the whole one is not defined.

    Returns:
        Shape (perturbations, units), 1.0 for kept; the first row keeps everything.
    """
    rng = np.random.default_rng(seed)
    masks = np.ones((perturbations, units))
    for row in masks[1:]:
        row[rng.choice(units, size=rng.integers(1, units), replace=False)] = 0.0
    return masks


def _removed(units: Sequence[Unit], mask: FloatArray) -> list[Unit]:
    return [unit for unit, kept in zip(units, mask, strict=True) if not kept]


def _cosine_distances(masks: FloatArray) -> FloatArray:
    """Distance of each mask from the first, which is all ones, in percent."""
    distances: FloatArray = _DISTANCE_SCALE * (1.0 - np.sqrt(masks.mean(axis=1)))
    return distances


def _kernel(distances: FloatArray) -> FloatArray:
    closeness: FloatArray = np.sqrt(np.exp(-np.square(distances) / _KERNEL_WIDTH**2))
    return closeness
