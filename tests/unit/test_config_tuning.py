import json
from typing import Any

import pytest

from lab_lens.config import Config, parse_config, with_overrides
from lab_lens.errors import InputError

SEARCHABLE = (
    "training.epochs, training.max_steps, training.batch_size, training.gradient_accumulation_steps, "
    "training.learning_rate, training.weight_decay, training.warmup_steps, training.label_smoothing, "
    "training.early_stopping_patience, decoding.num_beams, decoding.no_repeat_ngram_size, decoding.length_penalty, "
    "decoding.min_new_tokens"
)


def problems_of(tuning: dict[str, Any], **sections: Any) -> list[str]:
    with pytest.raises(InputError) as refused:
        parse_config(json.dumps({"tuning": tuning, **sections}), "mine.json")
    return list(refused.value.problems)


def of_space(**space: Any) -> list[str]:
    problems = problems_of({"search_space": {path.replace("__", "."): value for path, value in space.items()}})
    return [problem.removeprefix("mine.json: tuning.search_space") for problem in problems]


def test_nothing_is_tuned_by_default_and_the_default_space_holds_the_default_settings() -> None:
    config = Config()
    assert config.tuning.trials == config.tuning.searches() == 0
    values = config.model_dump()
    for path, distribution in config.tuning.search_space.items():
        section, name = path.split(".")
        assert distribution.holds(values[section][name]), path


def test_a_search_space_reads_back_as_itself_with_whole_numbers_whole() -> None:
    space = {"training.batch_size": {"type": "categorical", "values": [4, 8]}}
    config = with_overrides(Config(), {"tuning.search_space": space})
    assert parse_config(config.to_json()) == config
    assert json.loads(config.to_json())["tuning"]["search_space"] == space
    assert '"values": [\n          4,\n          8\n        ]' in config.to_json()


def test_every_problem_of_a_search_space_is_told_at_once() -> None:
    assert of_space(
        training__lr={"type": "float", "low": 1, "high": 2},
        training__learning_rate={"type": "float", "low": 0, "high": 1},
        training__batch_size={"type": "categorical", "values": [0, 8, 4.5]},
        training__warmup_steps={"type": "int", "low": 0, "high": 25, "step": 10},
        training__epochs={"type": "float", "low": 3, "high": 3},
        training__weight_decay={"type": "float", "low": 0, "high": 0.1, "log": True},
        training__eval_examples={"type": "int", "low": 10, "high": 20},
        decoding__min_new_tokens={"type": "int", "low": 0, "high": 300},
        decoding__num_beams={"type": "categorical", "values": [4, 4]},
        model__max_input_tokens={"type": "int", "low": 512, "high": 1024},
    ) == [
        f": unknown setting training.lr; what can be searched: {SEARCHABLE}",
        ": training.learning_rate is 0.0; it must be greater than 0",
        ": training.batch_size is 0; it must be greater than or equal to 1",
        ": training.batch_size is 4.5; it must be a whole number",
        ": training.warmup_steps: high (25) is no whole number of steps (10) above low (0)",
        ": training.epochs: low (3) must be below high (3)",
        ": training.weight_decay: low is 0; on a logarithmic scale it must be above 0",
        ": training.eval_examples cannot be searched: trials that are measured differently cannot be compared",
        ": decoding.min_new_tokens is 300; model.max_target_tokens (256) must be more",
        ": decoding.num_beams: a value is given twice",
        f": unknown setting model.max_input_tokens; what can be searched: {SEARCHABLE}",
    ]


def test_the_shape_of_a_distribution_is_strict_and_told_in_words_of_the_file() -> None:
    assert of_space(
        training__learning_rate={"type": "float", "lowest": 1e-5, "low": "small", "high": 1},
        training__epochs={"type": "normal"},
        training__batch_size={"low": 1, "high": 8},
        training__warmup_steps={"type": "int", "low": 0.5, "high": 8},
        decoding__num_beams={"type": "categorical", "values": [1, "2", True]},
        decoding__length_penalty={"type": "categorical", "values": []},
    ) == [
        '.training.learning_rate.low is "small"; it must be a number',
        "mine.json: unknown setting tuning.search_space.training.learning_rate.lowest; "
        "allowed here: high, log, low, type",
        ".training.epochs: its type must be one of float, int, categorical",
        ".training.batch_size: its type must be one of float, int, categorical",
        ".training.warmup_steps.low is 0.5; it must be a whole number",
        '.decoding.num_beams.values.1 is "2"; it must be a number',
        ".decoding.num_beams.values.2 is true; it must be a number",
        ".decoding.length_penalty.values is []; it must be a longer list",
    ]


@pytest.mark.parametrize(
    ("tuning", "problem"),
    [
        ({"trials": -1}, "tuning.trials is -1; it must be greater than or equal to 0"),
        ({"minutes": -0.5}, "tuning.minutes is -0.5; it must be greater than or equal to 0"),
        ({"workers": 0}, "tuning.workers is 0; it must be greater than or equal to 1"),
        ({"trials": 2, "workers": 3}, "tuning: workers is 3, more than trials (2): some would have no trial"),
        ({"trials": 2, "search_space": {}}, "tuning: trials is 2 but search_space is empty: name settings to search"),
    ],
)
def test_a_budget_that_cannot_be_meant_is_refused(tuning: dict[str, Any], problem: str) -> None:
    assert problems_of(tuning) == [f"mine.json: {problem}"]


@pytest.mark.parametrize(("trials", "shares"), [(8, [3, 3, 2]), (9, [3, 3, 3]), (3, [1, 1, 1])])
def test_workers_share_the_trials(trials: int, shares: list[int]) -> None:
    tuning = with_overrides(Config(), {"tuning.trials": trials, "tuning.workers": 3}).tuning
    assert [tuning.trials_of(worker) for worker in range(3)] == shares
    assert tuning.searches() == 3
