import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lab_lens.config import Config, Decoding, Policy, load_config, parse_config, with_overrides
from lab_lens.errors import InputError

CONFIGS = Path(__file__).parents[2] / "configs"
TRAINING_KEYS = (
    "batch_size, early_stopping_patience, epochs, eval_examples, evaluations_per_epoch, gradient_accumulation_steps, "
    "label_smoothing, learning_rate, max_steps, warmup_steps, weight_decay"
)


def problems_of(text: str) -> list[str]:
    with pytest.raises(InputError) as refused:
        parse_config(text)
    assert refused.value.exit_code == 2
    return list(refused.value.problems)


def test_the_defaults_are_those_that_the_documentation_promises() -> None:
    values = Config().model_dump()
    promised: dict[str, dict[str, Any]] = {
        "model": {"base_model": "GanjinZero/biobart-v2-base", "max_input_tokens": 1024, "max_target_tokens": 256},
        "training": {
            "epochs": 5,
            "batch_size": 8,
            "gradient_accumulation_steps": 2,
            "learning_rate": 2e-5,
            "weight_decay": 0.01,
            "warmup_steps": 500,
            "early_stopping_patience": 2,
        },
        "decoding": {"num_beams": 4, "no_repeat_ngram_size": 3},
        "fairness": {"slices": ("age_group", "gender", "ethnicity"), "min_examples_per_slice": 30},
        "policy": {
            "floors": {"rougeL": 0.15, "rouge1": 0.20, "bleu": 0.03},
            "max_relative_degradation": 0.02,
            "max_disparity": 0.05,
            "waivers": (),
        },
    }
    for section, settings in promised.items():
        assert {name: values[section][name] for name in settings} == settings
    assert values["data"]["splits"] == {"train_fraction": 0.7, "val_fraction": 0.15, "test_fraction": 0.15}


def test_the_default_file_spells_out_the_defaults() -> None:
    assert load_config(CONFIGS / "default.json") == Config() == load_config(None)
    assert json.loads((CONFIGS / "default.json").read_text()) == json.loads(Config().to_json())


@pytest.mark.parametrize("path", sorted(CONFIGS.iterdir()), ids=lambda path: path.name)
def test_every_file_that_we_ship_is_valid(path: Path) -> None:
    assert load_config(path).sha256() == load_config(path).sha256()


def test_json_and_yaml_give_the_same_settings_and_hash() -> None:
    settings = {"seed": 3, "policy": {"floors": {"rougeL": 0.2}, "beat_baselines": False}, "model": {"revision": None}}
    from_json, from_yaml = parse_config(json.dumps(settings)), parse_config(yaml.safe_dump(settings))
    assert from_json == from_yaml
    assert from_json.sha256() == from_yaml.sha256() != Config().sha256()
    assert from_json.policy.floors == {"rougeL": 0.2}


def test_the_effective_configuration_reads_back_as_itself() -> None:
    waiver = {"rule": "floor.bleu", "reason": "agreed by the board", "actor": "ana"}
    config = parse_config(json.dumps({"policy": {"waivers": [waiver]}, "fairness": {"slices": ["ward"]}}))
    assert parse_config(config.to_json()) == config
    assert config.policy.waivers[0].actor == "ana"


@pytest.mark.parametrize(
    "text",
    [
        "training: {learning_rate: 2e-5}",
        '{"training": {"learning_rate": 2e-5}}',
        '{\n\t"training": {\n\t\t"learning_rate": 2E-05\n\t}\n}',
        "{training: {learning_rate: 0.00002}}",
    ],
    ids=["yaml", "json", "json with tabs", "yaml in one line"],
)
def test_a_small_number_is_a_number_in_every_notation(text: str) -> None:
    assert parse_config(text) == Config()


def test_every_problem_is_told_at_once_with_its_path() -> None:
    text = "{seed: -1, training: {batch_size: 0, lr: 1}, decoding: {num_beams: 2.5}, sections: {}}"
    assert sorted(problems_of(text)) == [
        "config: decoding.num_beams is 2.5; it must be a whole number",
        "config: seed is -1; it must be greater than or equal to 0",
        "config: training.batch_size is 0; it must be greater than or equal to 1",
        "config: unknown setting sections; allowed here: data, decoding, deployment, fairness, model, "
        "notifications, policy, resources, seed, sensitivity, tracking, training, tuning, validation",
        f"config: unknown setting training.lr; allowed here: {TRAINING_KEYS}",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "policy: {waivers: [{rule: a, reason: long enough, actor: ana}, {rule: b, why: c}]}",
            [
                "policy.waivers.1.reason is missing",
                "policy.waivers.1.actor is missing",
                "unknown setting policy.waivers.1.why; allowed here: actor, reason, rule",
            ],
        ),
        ("data: {splits: {train: 1}}", ["unknown setting data.splits.train; allowed here: test_fraction, "]),
        ("policy: {floors: {rougel: 0.1}}", ["unknown setting policy.floors.rougel; allowed here: 'rouge1', "]),
        ("policy: {floors: {bleu: 3}}", ["policy.floors.bleu is 3; it must be less than or equal to 1"]),
        ("policy: {on_absent_attribute: skip}", ["on_absent_attribute is \"skip\"; it must be 'warn' or 'block'"]),
        ("training: 5", ["training is 5; it must be an object of settings"]),
        ("training:", ["training is null; it must be an object of settings"]),
        ("fairness: {slices: gender}", ['fairness.slices is "gender"; it must be a list']),
        ("fairness: {slices: [1]}", ["fairness.slices.0 is 1; it must be text"]),
        ("model: {base_model: ''}", ['model.base_model is ""; it must be longer text']),
        ('training: {batch_size: "8"}', ['training.batch_size is "8"; it must be a whole number']),
        ("training: {batch_size: yes}", ["training.batch_size is true; it must be a whole number"]),
        ("policy: {beat_baselines: 1}", ["policy.beat_baselines is 1; it must be true or false"]),
        ("decoding: {length_penalty: .nan}", ["decoding.length_penalty is NaN; it must be a finite number"]),
        ("seed: 2026-01-01", ['seed is "2026-01-01"; it must be a whole number']),
        ("7: 1", ["unknown setting 7; allowed here: data, "]),
        (
            "data: {splits: {train_fraction: 0.5}}",
            ["data.splits: train, val and test fractions sum to 0.8; they must sum to 1"],
        ),
        (
            "data: {splits: {train_fraction: 0.85, val_fraction: 0}}",
            ["data.splits: each of train, val and test needs a fraction above 0"],
        ),
        (
            "{decoding: {min_new_tokens: 256}}",
            ["decoding.min_new_tokens is 256; model.max_target_tokens (256) must be more"],
        ),
        ("model: {max_target_tokens: 1}", ["model.max_target_tokens is 1; it must be greater than or equal to 2"]),
    ],
)
def test_a_problem_is_told_in_words_of_the_file(text: str, problem: list[str]) -> None:
    found = problems_of(text)
    assert len(found) == len(problem)
    for sentence, expected in zip(found, problem, strict=True):
        assert expected in sentence
        assert sentence.startswith("config: ")
        assert not re.search(r"\b(Value error|Input should|dict|tuple|None|True)\b", sentence)


def test_a_long_value_is_shortened() -> None:
    (problem,) = problems_of(json.dumps({"seed": ["x" * 500]}))
    assert len(problem) < 120


@pytest.mark.parametrize("text", ["seed: 1\nseed: 2", '{"training": {"epochs": 1, "epochs": 2}}', "a: {b: 1, b: 1}"])
def test_a_setting_that_is_given_twice_is_refused(text: str) -> None:
    (problem,) = problems_of(text)
    assert problem.startswith("config: given twice in one section: ")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("seed: [1", "config is neither JSON nor YAML: expected ',' or ']', but got '<stream end>': line 1 column 9"),
        ('{\n\t"seed": 1\n\t"training": {}\n}', "config is neither JSON nor YAML: Expecting ',' delimiter: line 3"),
        ("- seed", "config must hold an object of settings; {} gives the defaults"),
        ("", "config must hold an object of settings; {} gives the defaults"),
    ],
)
def test_text_that_holds_no_settings_is_refused_with_its_place(text: str, problem: str) -> None:
    assert problems_of(text)[0].startswith(problem)


def test_a_file_is_named_in_its_problems(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    with pytest.raises(InputError, match=r"config file not found: .*mine"):
        load_config(path)
    with pytest.raises(InputError, match="cannot be read"):
        load_config(tmp_path)
    path.write_bytes(b"\xff\xfe{")
    with pytest.raises(InputError, match="cannot be read"):
        load_config(path)
    path.write_text("sede: 1")
    with pytest.raises(InputError, match=r"mine\.yaml: unknown setting sede"):
        load_config(path)


def test_the_mark_that_windows_editors_put_first_is_no_setting(tmp_path: Path) -> None:
    path = tmp_path / "notepad.json"
    path.write_text('{"seed": 5}', encoding="utf-8-sig")
    assert load_config(path).seed == 5


def test_the_command_line_wins_over_the_file_where_it_says_something() -> None:
    config = parse_config("{seed: 1, sensitivity: {num_samples: 5}}")
    changed = with_overrides(
        config, {"seed": 2, "sensitivity.num_samples": None, "data.synthetic.patients": 9, "model.base_model": None}
    )
    assert (changed.seed, changed.sensitivity.num_samples, changed.data.synthetic.patients) == (2, 5, 9)
    assert (config.seed, changed.model) == (1, config.model)
    with pytest.raises(InputError) as refused:
        with_overrides(config, {"sensitivity.num_samples": 0, "training.lr": 1, "nothing.here": 1})
    assert [problem.split(";")[0] for problem in sorted(refused.value.problems)] == [
        "command line: sensitivity.num_samples is 0",
        "command line: unknown setting nothing",
        "command line: unknown setting training.lr",
    ]


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Config().seed = 1  # type: ignore[misc]


FLOORS = st.dictionaries(st.sampled_from(["rouge1", "rouge2", "rougeL", "rougeLsum", "bleu"]), st.floats(0.001, 1))


@given(st.integers(0, 2**32 - 1), FLOORS)
def test_any_valid_settings_survive_their_own_text(seed: int, floors: dict[Any, float]) -> None:
    config = Config(seed=seed, policy=Policy(floors=floors))
    again = parse_config(config.to_json())
    assert again == config
    assert again.sha256() == config.sha256()


def test_the_decoding_hash_knows_every_setting_that_decides_a_summary() -> None:
    records = [
        Decoding().record(1024, 256),
        Decoding(num_beams=2).record(1024, 256),
        Decoding(length_penalty=2.0).record(1024, 256),
        Decoding().record(512, 256),
        Decoding().record(1024, 128),
    ]
    assert len({record["decoding_hash"] for record in records}) == len(records)
    assert records[0] == Decoding().record(1024, 256)
