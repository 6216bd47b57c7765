"""What answers without a model score on synthetic notes: `python benchmarks/synthetic_baselines.py`."""

from lab_lens.metrics.baselines import LABELS, baseline_summaries
from lab_lens.metrics.text import score_summaries
from lab_lens.notes.synthetic import synthetic_examples

PATIENTS = 300
SEED = 5
SHOWN = ("rouge1", "rouge2", "rougeL", "bleu")


def main() -> None:
    """Print a Markdown table (means over examples, stemmed F1; BLEU by sentence)."""
    print(f"| notes | answer | {' | '.join(SHOWN)} |\n|---|---|{'---|' * len(SHOWN)}")
    for detail in ("brief", "full"):
        examples = synthetic_examples(PATIENTS, SEED, detail)
        references = examples["target_summary"].tolist()
        for name, answers in baseline_summaries(examples, SEED).items():
            scores = score_summaries(answers, references)
            print(f"| {detail} | {LABELS[name]} | {' | '.join(f'{scores[key].mean():.3f}' for key in SHOWN)} |")


if __name__ == "__main__":
    main()
