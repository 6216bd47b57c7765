"""How often the release gate is wrong: `python benchmarks/release_gate.py [--data published_outputs.csv]`.

Releases are simulated whose truth is known: a candidate loses a planted share of the champion's ROUGE-L, or nothing.
Each is judged by the product's own rules on intervals of the product's own bootstrap. Kinds of candidates:

- "another model": its scores differ from the champion's note by note, as those of two trained systems do. The noise is
  that of published outputs of BART-large and BioBART on ACI-Bench (CC BY 4.0); with --data it is drawn from the file.
- "sentences dropped": the champion's summaries of synthetic notes, some with a third of their sentences missing;
  ROUGE-L is computed from the texts.

A third kind has one number altered in a share of its summaries, which ROUGE hardly sees and the facts do.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from simulated_candidates import (
    RATES,
    SEED,
    FactPool,
    Sampler,
    published_models,
    synthetic_facts,
    synthetic_model,
    synthetic_texts,
)

from lab_lens.config import Config, Fairness
from lab_lens.config_policy import NonInferiority, Policy
from lab_lens.metrics.catalogue import METRICS
from lab_lens.metrics.uncertainty import Bootstrap, Interval, Statistic, bootstrap_statistics, mean_of, with_counts
from lab_lens.release.decision import Production, decide
from lab_lens.release.evidence import BiasEvidence, ValidationEvidence
from lab_lens.release.policy import Release, evaluate_rules
from lab_lens.release.settings import bias_settings, validation_settings

FloatArray = NDArray[np.float64]
RELEASES = 500
PATIENTS = (30, 60, 150, 300)
LOSSES = (-0.02, 0.0, 0.01, 0.02, 0.04, 0.08)
RESAMPLES = 2000
ALTERED_SHARES = (0.0, 0.05, 0.1, 0.2, 0.5)
FACT_RELEASES = 200
HASHES = {"model_hash": "m", "data_hash": "d", "decoding_hash": "c"}


def _ruling_out(margin: float) -> Policy:
    return Policy(rules=(NonInferiority(metric="rougeL", margin=margin, bound="lower"),))


ALTERNATIVES = {
    "loss at most 2 % by the estimate": Policy(rules=()),
    "the same, and a loss of 8 % ruled out (default)": Policy(),
    "the same, and a loss of 5 % ruled out": _ruling_out(0.05),
    "the same, and a loss of 2 % ruled out": _ruling_out(0.02),
}


@dataclass(frozen=True)
class Judged:
    """How many of the simulated releases were promoted."""

    promoted: int
    releases: int

    def said(self) -> str:
        """The rate in percent, with its Wilson interval of 95 %."""
        low, high = wilson(self.promoted, self.releases)
        return f"{100 * self.promoted / self.releases:.1f} ({100 * low:.0f}-{100 * high:.0f})"


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """95 % score interval of a rate (Wilson 1927, J. Am. Stat. Assoc. 22, 209-212)."""
    z = 1.959964
    centre = (hits + z * z / 2) / (trials + z * z)
    reach = z / (trials + z * z) * np.sqrt(hits * (trials - hits) / trials + z * z / 4)
    return max(0.0, float(centre - reach)), min(1.0, float(centre + reach))


def simulate(
    sample: Sampler, loss: float, patients: int, policies: Sequence[Policy], releases: int = RELEASES
) -> list[Judged]:
    """Judge simulated releases by each policy.

    Args:
        loss: planted, as a fraction of the champion's score; below 0: the candidate is better.
        patients: one note each.
    """
    generator = np.random.default_rng([SEED, patients, round(1000 * (loss + 1.0))])
    champion, candidate = sample(generator, loss, patients, releases)
    evidence = [_release(mean, gain, {}) for mean, gain in measured_releases(candidate, champion)]
    return [Judged(sum(_promoted(policy, release) for release in evidence), releases) for policy in policies]


def simulate_facts(pool: FactPool, share: float, patients: int, policy: Policy, releases: int) -> Judged:
    """Judge releases in which a share of the champion's summaries has one number altered, and nothing else."""
    generator = np.random.default_rng([SEED, patients, round(1000 * share)])
    size = len(next(iter(pool.whole.values())))
    measured: dict[str, tuple[FloatArray, Statistic]] = {}
    for release in range(releases):
        rows = generator.integers(0, size, patients)
        chosen = (generator.random(patients) < share)[:, None]
        for rate in RATES:
            champion = pool.whole[rate][rows]
            candidate = np.where(chosen, pool.altered[rate][rows], champion)
            measured[f"{rate} {release}"] = (candidate, METRICS[rate].statistic)
            measured[f"{rate} rise {release}"] = (np.hstack([candidate, champion]), _rise_of(rate))
    names = [f"{row:06d}" for row in range(patients)]
    shares = [name for name in measured if "rise" not in name]
    found = bootstrap_statistics(measured, names, Bootstrap(RESAMPLES, 0.95, SEED), shares=shares)
    rouge = Interval(0.4, 0.35, 0.45, patients, patients), Interval(0.0, -0.01, 0.01, patients, patients)
    evidence = [
        _release(*rouge, {rate: (found[f"{rate} {release}"], found[f"{rate} rise {release}"]) for rate in RATES})
        for release in range(releases)
    ]
    return Judged(sum(_promoted(policy, item) for item in evidence), releases)


def _rise_of(rate: str) -> Statistic:
    statistic = METRICS[rate].statistic

    def rise(sums: FloatArray) -> FloatArray:
        width = sums.shape[-1] // 2
        return statistic(sums[..., :width]) - statistic(sums[..., width:])

    return rise


def measured_releases(candidate: FloatArray, champion: FloatArray) -> list[tuple[Interval, Interval]]:
    """Of every release the candidate's mean, and its gain relative to the champion, as validation measures them.

    Resamples depend on the seed and the number of patients alone, so that all releases of one size share them.
    """
    measured: dict[str, tuple[FloatArray, Statistic]] = {}
    for release, scores in enumerate(zip(candidate.T, champion.T, strict=True)):
        measured[f"mean {release}"] = (with_counts(scores[0]), mean_of)
        measured[f"gain {release}"] = (np.hstack([with_counts(values) for values in scores]), _gain)
    patients = [f"{row:06d}" for row in range(len(candidate))]
    found = bootstrap_statistics(measured, patients, Bootstrap(RESAMPLES, 0.95, SEED))
    return [(found[f"mean {release}"], found[f"gain {release}"]) for release in range(candidate.shape[1])]


def _gain(sums: FloatArray) -> FloatArray:
    return mean_of(sums[..., :2]) / mean_of(sums[..., 2:]) - 1.0


def _release(mean: Interval, gain: Interval, facts: Mapping[str, tuple[Interval, Interval]]) -> Release:
    """Reports of a candidate in which all is well, but for what was measured.

    Args:
        mean, gain: of ROUGE-L, and relative to the champion's.
        facts: rates of the candidate, and how far above the champion's they are; empty: they are low and equal.
    """
    patients = mean.n_clusters
    measured_facts = {name: rate.to_json() for name, (rate, _) in facts.items()}

    def measured(estimate: float, low: float, high: float) -> dict[str, float | int]:
        return {"estimate": estimate, "low": low, "high": high, "n_examples": patients, "n_clusters": patients}

    good, rare = measured(0.4, 0.35, 0.45), measured(0.05, 0.03, 0.07)
    lead = {"difference": measured(0.1, 0.05, 0.15), "relative": None}
    same = {"difference": measured(0.0, -0.01, 0.01), "relative": measured(0.0, -0.1, 0.1)}
    metrics = dict.fromkeys(RATES, rare) | {"rouge1": good, "bleu": good, "compression_ratio": measured(4.0, 3.5, 4.5)}
    config = Config(fairness=Fairness(slices=()))
    validation = {
        **HASHES,
        "schema_version": 1,
        "settings": validation_settings(config),
        "examples": patients,
        "metrics": metrics | {"rougeL": mean.to_json()} | measured_facts,
        "baselines": {"lead_3": {"label": "first three sentences of the note", "comparison": {"rougeL": lead}}},
        "champion": {
            "version": "v1",
            "model_hash": "champion",
            "decoding_hash": "c",
            "comparison": dict.fromkeys(RATES, same)
            | {"rougeL": {"difference": lead["difference"], "relative": gain.to_json()}}
            | {name: {"difference": rise.to_json(), "relative": None} for name, (_, rise) in facts.items()},
        },
    }
    bias = {
        **HASHES,
        "schema_version": 1,
        "settings": bias_settings(config),
        "metric": "rougeL",
        "n_examples": patients,
        "attributes": {},
    }
    reports = ValidationEvidence.model_validate(validation), BiasEvidence.model_validate(bias)
    return Release(*reports, {}, config, "v1", "champion")


def _promoted(policy: Policy, release: Release) -> bool:
    judged = replace(release, config=release.config.model_copy(update={"policy": policy}))
    return decide(evaluate_rules(judged), Production("v1")).verdict == "promote"


def _table(title: str, sample: Sampler, policy: Policy) -> None:
    print(f"\n{title}\n\n| patients | {' | '.join(_loss_name(loss) for loss in LOSSES)} |")
    print(f"|---|{'---|' * len(LOSSES)}")
    for patients in PATIENTS:
        rates = [simulate(sample, loss, patients, [policy])[0].said() for loss in LOSSES]
        print(f"| {patients} | {' | '.join(rates)} |")


def _fact_table(pool: FactPool) -> None:
    title = "The champion with one number altered in a share of its summaries (synthetic notes, facts of the texts"
    print(f"\n{title}, {FACT_RELEASES} releases):\n")
    print(f"| patients | {' | '.join(f'{share:.0%} altered' for share in ALTERED_SHARES)} |")
    print(f"|---|{'---|' * len(ALTERED_SHARES)}")
    for patients in PATIENTS:
        rates = [simulate_facts(pool, share, patients, Policy(), FACT_RELEASES).said() for share in ALTERED_SHARES]
        print(f"| {patients} | {' | '.join(rates)} |")


def _loss_name(loss: float) -> str:
    if loss == 0.0:
        return "equal"
    return f"{-100 * loss:.0f} % better" if loss < 0.0 else f"{100 * loss:.0f} % worse"


def _alternatives(sample: Sampler) -> None:
    print("\n| policy | patients | equal model held | 4 % worse promoted | 8 % worse promoted |\n|---|---|---|---|---|")
    policies = list(ALTERNATIVES.values())
    for patients in PATIENTS:
        judged = {loss: simulate(sample, loss, patients, policies) for loss in (0.0, 0.04, 0.08)}
        for place, name in enumerate(ALTERNATIVES):
            equal = judged[0.0][place]
            held = Judged(equal.releases - equal.promoted, equal.releases)
            cells = [held.said(), judged[0.04][place].said(), judged[0.08][place].said()]
            print(f"| {name} | {patients} | {' | '.join(cells)} |")


def main() -> None:
    """Print the rates as Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, metavar="CSV", help="published outputs; without: their noise as figures")
    arguments = parser.parse_args()
    model = published_models(arguments.data) if arguments.data else synthetic_model()
    print(f"Promoted, in percent of {RELEASES} simulated releases (95 % Wilson interval), by the default policy.")
    _table("Another model, with the note-by-note noise of published systems:", model, Policy())
    _table("The champion with sentences dropped (synthetic notes, ROUGE-L of the texts):", synthetic_texts(), Policy())
    _fact_table(synthetic_facts())
    print("\nOther defaults that were considered, for another model:")
    _alternatives(model)


if __name__ == "__main__":
    main()
