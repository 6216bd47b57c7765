import json
from typing import Any

import pytest

from lab_lens.config import parse_config
from lab_lens.errors import InputError


def problem_of(deployment: dict[str, Any]) -> str:
    with pytest.raises(InputError) as refused:
        parse_config(json.dumps({"deployment": deployment}))
    (problem,) = refused.value.problems
    return problem


def test_by_default_a_version_is_only_tried_out() -> None:
    deployment = parse_config("{}").deployment
    assert (deployment.endpoint, deployment.canary_percent, deployment.step_percents) == ("", 10, (50, 100))


@pytest.mark.parametrize("endpoint", ["", "local:endpoint", "local:/srv/lab lens", "vertex://proj/europe-west4/notes"])
def test_an_endpoint_is_named_by_one_string(endpoint: str) -> None:
    assert parse_config(json.dumps({"deployment": {"endpoint": endpoint}})).deployment.endpoint == endpoint


@pytest.mark.parametrize("endpoint", ["endpoint", "local:", "vertex://proj", "vertex://proj/region/", "https://host"])
def test_a_string_that_names_no_endpoint_is_refused(endpoint: str) -> None:
    assert "deployment.endpoint" in problem_of({"endpoint": endpoint})


def test_all_traffic_at_once_can_be_wanted() -> None:
    deployment = parse_config('{"deployment": {"canary_percent": 100, "step_percents": []}}').deployment
    assert deployment.step_percents == ()


@pytest.mark.parametrize(
    ("shares", "told"),
    [
        ({"step_percents": [50]}, "[10, 50]"),
        ({"step_percents": []}, "[10]"),
        ({"step_percents": [50, 50, 100]}, "[10, 50, 50, 100]"),
        ({"canary_percent": 60}, "[60, 50, 100]"),
    ],
)
def test_shares_must_grow_to_all_of_the_traffic(shares: dict[str, Any], told: str) -> None:
    assert f"canary_percent and step_percents are {told}; they must grow, and end with 100" in problem_of(shares)


@pytest.mark.parametrize(
    ("vertex", "told"),
    [
        ({"accelerator_type": "NVIDIA_L4"}, "accelerator_type and accelerator_count belong together"),
        ({"accelerator_count": 1}, "accelerator_type and accelerator_count belong together"),
        ({"min_replicas": 3, "max_replicas": 2}, "max_replicas is 2; it must be min_replicas (3) at least"),
    ],
)
def test_machines_that_do_not_fit_together_are_refused(vertex: dict[str, Any], told: str) -> None:
    assert told in problem_of({"vertex": vertex})
