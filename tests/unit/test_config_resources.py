import json
from typing import Any

import pytest

from lab_lens.config import Config, parse_config
from lab_lens.config_resources import Need, Resources
from lab_lens.errors import InputError


def resources(**settings: Any) -> Resources:
    return parse_config(json.dumps({"resources": settings})).resources


def problems_of(**settings: Any) -> list[str]:
    with pytest.raises(InputError) as refused:
        resources(**settings)
    return [problem.removeprefix("config: ") for problem in refused.value.problems]


def test_by_default_no_task_is_limited_and_training_is_a_task() -> None:
    default = Config().resources
    assert {default.need(task) for task in ("train_model", "notify", "generate_summaries")} == {Need()}
    assert default.strategy() == "task"


def test_spot_is_asked_for_by_one_word() -> None:
    spot = parse_config("resources:\n  preset: l4\n  training:\n    strategy: spot\n").resources
    assert spot.is_job()
    assert spot.training.restart_on_worker_restart
    assert spot.need("train_model") == Need(8, 28, "l4", 1)


@pytest.mark.parametrize(
    ("override", "need"),
    [
        ({}, Need(8, 28, "l4", 1)),
        ({"cpu": 16}, Need(16, 28, "l4", 1)),
        ({"memory_gib": 60.5}, Need(8, 60.5, "l4", 1)),
        ({"accelerator": "none"}, Need(8, 28, None, 0)),
        ({"accelerator": "none", "cpu": 2}, Need(2, 28, None, 0)),
        ({"accelerator": "a100_80gb"}, Need(8, 28, "a100_80gb", 1)),
        ({"accelerator_count": 4}, Need(8, 28, "l4", 4)),
        ({"accelerator": "t4", "accelerator_count": 2}, Need(8, 28, "t4", 2)),
    ],
)
def test_an_override_replaces_what_it_names(override: dict[str, Any], need: Need) -> None:
    assert resources(preset="l4", tasks={"train_model": override}).need("train_model") == need


def test_wrong_words_are_told_with_what_is_allowed() -> None:
    problems = problems_of(
        preset="l5",
        tasks={"train": {}, "notify": {"cpus": 1}, "train_model": {"accelerator": "v100", "cpu": 0}},
        training={"strategy": "cheap", "replicas": 0, "timeout_hours": 200},
    )
    assert [problem.split(";")[0] for problem in problems] == [
        'resources.preset is "l5"',
        "unknown setting resources.tasks.train",
        "unknown setting resources.tasks.notify.cpus",
        "resources.tasks.train_model.cpu is 0",
        'resources.tasks.train_model.accelerator is "v100"',
        'resources.training.strategy is "cheap"',
        "resources.training.replicas is 0",
        "resources.training.timeout_hours is 200",
    ]


def test_all_contradictions_are_listed_at_once() -> None:
    problems = problems_of(
        preset="l4",
        tasks={"train_model": {"accelerator_count": 4}, "notify": {"accelerator_count": 1}},
        training={
            "strategy": "task",
            "replicas": 2,
            "machine_types": ["n1-standard-8", "huge", "g2-standard-96", "huge"],
            "regions": ["EU", "europe-west4"],
        },
    )
    assert problems == [
        "resources.tasks.notify.accelerator_count is 1 but no accelerator is named; name one of t4, l4, a100_80gb, "
        "h100_80gb",
        "resources.training.strategy is task, which has one machine, chosen by Vertex AI; replicas, machine_types and "
        "regions need on_demand or spot",
        "resources.training.replicas is 2 and each has 4 accelerators; machines that train together use one each: set "
        "resources.tasks.train_model.accelerator_count to 1",
        "resources.training.machine_types names one twice: n1-standard-8, huge, g2-standard-96, huge",
        'resources.training.regions has "EU"; it must be a region of Google Cloud, such as europe-west4',
        'resources.training.machine_types.0 is "n1-standard-8", which carries 1 or 2 or 4 t4, but train_model asks for '
        "4 l4; the first one must be g2-standard-N, such as g2-standard-8",
        'resources.training.machine_types.1 is "huge"; it must be g2-standard-N, such as g2-standard-8',
        'resources.training.machine_types.2 is "g2-standard-96", which carries 8 l4; machines that train together use '
        "one each",
        'resources.training.machine_types.3 is "huge"; it must be g2-standard-N, such as g2-standard-8',
    ]


@pytest.mark.parametrize(
    ("preset", "first", "fits"),
    [
        ("cpu", "n2-standard-16", True),
        ("cpu", "n1-highmem-8", True),
        ("cpu", "g2-standard-8", False),
        ("t4", "n1-standard-8", True),
        ("t4", "n1-standard-5", False),
        ("t4", "n2-standard-8", False),
        ("l4", "g2-standard-16", True),
        ("l4", "g2-standard-24", False),
        ("l4", "g2-highmem-8", False),
        ("l4", "a2-ultragpu-1g", False),
        ("a100", "a2-ultragpu-1g", True),
        ("a100", "a2-ultragpu-2g", False),
        ("a100", "a2-highgpu-1g", False),
        ("h100", "a3-highgpu-1g", True),
        ("h100", "a3-highgpu-3g", False),
        ("h100", "a3-megagpu-8g", False),
    ],
)
def test_the_first_machine_must_carry_what_training_asks_for(preset: str, first: str, fits: bool) -> None:
    training = {"machine_types": [first]}
    if fits:
        assert resources(preset=preset, training=training).is_job()
    else:
        (problem,) = problems_of(preset=preset, training=training)
        assert problem.startswith(f'resources.training.machine_types.0 is "{first}"')
