import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch.nn.functional import cosine_similarity
from transformers import BartConfig, BartForConditionalGeneration

from lab_lens.engine.checkpoint import load_model, save_model
from lab_lens.engine.scratch import build_scratch, check_scratch, is_scratch, train_tokenizer
from lab_lens.errors import InputError

TEXTS = ["Admitted with chest pain, treated with furosemide 40 mg daily.", "No fever; discharged home."] * 4
# A special token's own spelling is that token; any other text must survive.
ANY_TEXT = st.text(st.characters(exclude_characters="<", exclude_categories=["Cs"]), max_size=60)


def build(seed: int = 1, **options: Any) -> tuple[Any, Any]:
    settings = {"vocabulary_tokens": 320, "max_positions": 64} | options
    return build_scratch("scratch:tiny", TEXTS, seed=seed, **settings)


@pytest.fixture(scope="module")
def built() -> tuple[Any, Any]:
    return build()


@given(ANY_TEXT)
@example("BP 120/80 , HR 72 . He 's well !")
@example("Ménière's disease\n\t38 °C 🙂  two spaces")
def test_any_text_survives_the_tokenizer(built: tuple[Any, Any], text: str) -> None:
    tokenizer = built[1]
    ids = tokenizer(text)["input_ids"]
    assert (ids[0], ids[-1]) == (tokenizer.bos_token_id, tokenizer.eos_token_id)
    assert tokenizer.unk_token_id not in ids
    assert tokenizer.decode(ids, skip_special_tokens=True).removeprefix(" ") == text.removeprefix(" ")


def test_the_vocabulary_is_learned_from_the_texts_up_to_its_limit(built: tuple[Any, Any]) -> None:
    model, tokenizer = built
    assert model.config.vocab_size == len(tokenizer) == 320
    foreign = train_tokenizer(["zzzz qqqq"] * 9, 320, 64)
    assert len(tokenizer(TEXTS[0])["input_ids"]) < len(foreign(TEXTS[0])["input_ids"])


def test_a_seed_decides_every_weight(built: tuple[Any, Any]) -> None:
    first, again, other = (model.state_dict() for model in (built[0], build()[0], build(seed=2)[0]))
    assert all(torch.equal(weight, again[name]) for name, weight in first.items())
    assert any(not torch.equal(weight, other[name]) for name, weight in first.items())


def test_a_saved_model_comes_back_with_the_same_tokens_and_weights(built: tuple[Any, Any], tmp_path: Path) -> None:
    model, tokenizer = built
    save_model(model, tokenizer, {"schema_version": 1}, tmp_path)
    again = load_model(tmp_path, "cpu")
    for text in (*TEXTS, "Ménière's 🙂", ""):
        assert again.tokenizer(text)["input_ids"] == tokenizer(text)["input_ids"]
    names = ("bos_token_id", "eos_token_id", "pad_token_id", "model_max_length")
    assert [getattr(again.tokenizer, name) for name in names] == [0, 2, 1, 64]
    assert all(torch.equal(weight, again.model.state_dict()[name]) for name, weight in model.state_dict().items())


@pytest.mark.parametrize("name", ["scratch:huge", "scratch:", "scratch:Tiny"])
def test_an_unknown_size_is_refused_with_the_sizes_there_are(name: str) -> None:
    assert is_scratch(name)
    with pytest.raises(InputError, match=f"'{name}' is unknown; scratch models: scratch:tiny, scratch:small"):
        check_scratch(name)
    with pytest.raises(InputError, match="is unknown"):
        build_scratch(name, TEXTS, vocabulary_tokens=320, max_positions=64, seed=1)


def bart_as_it_usually_starts(model: Any) -> Any:
    torch.manual_seed(1)
    return BartForConditionalGeneration(BartConfig(**model.config.to_dict()))


def cross_attention(model: Any) -> Any:
    return model.eval().model.decoder.layers[0].encoder_attn


@torch.no_grad()
def matches(attention: Any, content: torch.Tensor) -> float:
    """Share of queries (over positions and heads) that attend most to the key with their own content."""
    count, width = content.shape
    head_width = width // attention.num_heads

    def heads(projection: Any) -> torch.Tensor:
        return projection(content).view(count, attention.num_heads, head_width).transpose(0, 1)

    scores = heads(attention.q_proj) @ heads(attention.k_proj).transpose(1, 2) / math.sqrt(head_width)
    return (scores.argmax(dim=-1) == torch.arange(count)).float().mean().item()


@torch.no_grad()
def handed_on(attention: Any, content: torch.Tensor) -> float:
    """How much values sent through cross-attention still point where they came from (mean cosine)."""
    return cosine_similarity(attention.out_proj(attention.v_proj(content)), content).mean().item()


def test_a_scratch_model_starts_able_to_find_and_hand_on_what_it_looks_for(built: tuple[Any, Any]) -> None:
    content = torch.randn(40, 128, generator=torch.Generator().manual_seed(3))
    ours, usual = cross_attention(built[0]), cross_attention(bart_as_it_usually_starts(built[0]))
    assert matches(ours, content) > 0.95
    assert handed_on(ours, content) > 0.95
    # BART's own start does neither, so that the law above says something.
    assert matches(usual, content) < 0.2
    assert abs(handed_on(usual, content)) < 0.2


def test_near_positions_are_more_alike_than_far_ones(built: tuple[Any, Any]) -> None:
    for side in (built[0].model.encoder, built[0].model.decoder):
        positions = side.embed_positions.weight.detach()
        near, far = (cosine_similarity(positions[:-apart], positions[apart:]).min() for apart in (1, 12))
        assert near > far + 0.1
        assert positions.square().mean().sqrt().item() == pytest.approx(built[0].config.init_std, rel=0.01)
