"""Tiny models that measure, built here: an encoder with random weights, and a classifier whose answers are known."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

WORDS = ["fever", "cough", "pain", "no", "the", "patient", "has", "denies", "aspirin", "was", "given", ".", ",", "##s"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LABELS = ("contradiction", "entailment", "neutral")


def tiny_encoder(path: Path, *, layers: int = 3, positions: int = 32) -> Path:
    """A BERT of random weights in a directory."""
    import torch
    from transformers import BertModel

    torch.manual_seed(5)
    _save(BertModel(_config(WORDS, layers=layers, positions=positions)), WORDS, positions, path)
    return path


def planted_classifier(path: Path, *, labels: Iterable[str] = LABELS, positions: int = 32) -> Path:
    """A classifier of sentence pairs: "agrees" in either makes it entailment, "refutes" contradiction, else neutral.

    Attention is uniform and passes embeddings on, so that a pair is the mean of its tokens; all words but two are zero.
    """
    import torch
    from transformers import BertForSequenceClassification

    words = [*WORDS, "agrees", "refutes"]
    config = _config(words, layers=1, positions=positions)
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: place for place, label in config.id2label.items()}
    model = BertForSequenceClassification(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.fill_(1.0 if name.endswith("LayerNorm.weight") else 0.0)
        layer = model.bert.encoder.layer[0]
        for passes_on in (layer.attention.self.value, layer.attention.output.dense, model.bert.pooler.dense):
            passes_on.weight.copy_(torch.eye(config.hidden_size))
        for place, word in enumerate(("refutes", "agrees")):
            model.bert.embeddings.word_embeddings.weight[len(SPECIAL) + words.index(word), place] = 1.0
            model.classifier.weight[place, place] = 12.0
        model.classifier.bias[2] = 6.0
    _save(model, words, positions, path)
    return path


def _config(words: list[str], *, layers: int, positions: int) -> Any:
    from transformers import BertConfig

    return BertConfig(
        vocab_size=len(SPECIAL) + len(words),
        hidden_size=16,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=positions,
        num_labels=len(LABELS),
    )


def _save(model: Any, words: list[str], positions: int, path: Path) -> None:
    from transformers import BertTokenizer

    model.save_pretrained(path)
    vocabulary = {word: place for place, word in enumerate([*SPECIAL, *words])}
    BertTokenizer(vocab=vocabulary, model_max_length=positions).save_pretrained(path)
