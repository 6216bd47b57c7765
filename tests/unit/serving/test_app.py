from collections.abc import Sequence
from typing import Any

import pytest
from fastapi.testclient import TestClient

from lab_lens.serving.app import MAX_BODY_BYTES, MAX_INSTANCES, Routes, Slot, create_app

SECRET = "Jane Roe was admitted with chest pain"


class Echo:
    """A summarizer that needs no model."""

    model_hash = "m0"
    decoding_hash = "d0"

    def summarize(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        return [
            {"summary": text[:4], "log_probability": -1.5, "input_tokens": 9, "output_tokens": 2, "truncated": False}
            for text in texts
        ]


@pytest.fixture
def client() -> TestClient:
    return TestClient(create_app(Slot(Echo())))


def test_one_prediction_an_instance_in_order_as_objects_or_plain_text(client: TestClient) -> None:
    answer = client.post("/predict", json={"instances": [{"text": "first note"}, "second note"], "parameters": {}})
    assert answer.status_code == 200
    assert [prediction["summary"] for prediction in answer.json()["predictions"]] == ["firs", "seco"]
    assert set(answer.json()["predictions"][0]) == {
        "summary",
        "log_probability",
        "input_tokens",
        "output_tokens",
        "truncated",
        "model_hash",
    }
    assert answer.json()["predictions"][0]["model_hash"] == "m0"


def test_every_route_says_503_until_the_model_is_loaded() -> None:
    slot = Slot()
    client = TestClient(create_app(slot))
    assert client.get("/health").status_code == 503
    assert client.get("/model").status_code == 503
    assert client.post("/predict", json={"instances": ["note"]}).status_code == 503
    slot.model = Echo()
    assert client.get("/health").status_code == 200
    assert client.get("/model").json() == {"model_hash": "m0", "decoding_hash": "d0"}


def test_vertex_chooses_the_paths_of_health_and_predict() -> None:
    client = TestClient(create_app(Slot(Echo()), Routes("/v1/live", "/v1/models/m:predict")))
    assert client.get("/v1/live").status_code == 200
    assert client.post("/v1/models/m:predict", json={"instances": ["note"]}).status_code == 200
    assert client.get("/health").status_code == 404


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "instances"),
        ({"instances": []}, "instances"),
        ({"instances": SECRET}, "instances"),
        ({"instances": [{"note": SECRET}]}, "instances.0"),
        ({"instances": [{"text": "fine", SECRET: 1}]}, "instances.0"),
        ({"instances": ["fine", {"text": [SECRET]}]}, "instances.1.text"),
        ({"instances": ["fine", "  \n"]}, "instances.1.text"),
        ({"instances": [None]}, "instances.0"),
        ({"instances": [SECRET] * (MAX_INSTANCES + 1)}, "instances"),
        ({"instances": ["fine"], "parameters": {"temperature": SECRET}}, "parameters"),
        ([SECRET], "body"),
    ],
)
def test_a_malformed_request_is_refused_by_place_without_repeating_it(
    client: TestClient, body: Any, place: str
) -> None:
    answer = client.post("/predict", json=body)
    assert answer.status_code == 400
    assert any(problem.startswith(f"{place}: ") for problem in answer.json()["problems"])
    assert SECRET not in answer.text


def test_a_body_that_is_not_json_is_refused_without_repeating_it(client: TestClient) -> None:
    answer = client.post("/predict", content=SECRET)
    assert answer.status_code == 400
    assert SECRET not in answer.text


def test_a_body_over_the_limit_is_refused_and_one_at_the_limit_is_not(client: TestClient) -> None:
    frame = len(b'{"instances":[""]}')
    fitting = b'{"instances":["' + b"a" * (MAX_BODY_BYTES - frame) + b'"]}'
    assert len(fitting) == MAX_BODY_BYTES
    assert client.post("/predict", content=fitting).status_code == 200
    assert client.post("/predict", content=fitting + b" ").status_code == 413


def test_there_is_no_page_that_loads_scripts_from_elsewhere(client: TestClient) -> None:
    assert [client.get(path).status_code for path in ("/docs", "/redoc", "/openapi.json")] == [404, 404, 404]
