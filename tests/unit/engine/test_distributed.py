import json
from typing import Any

import pytest
import torch

from lab_lens.engine.distributed import Place, joined, parallel_batches, place_of
from lab_lens.errors import InputError

CPU = torch.device("cpu")
POOLS = {
    "workerpool0": ["training-workerpool0-ab12-0:2222"],
    "workerpool1": ["training-workerpool1-ab12-0:2222", "training-workerpool1-ab12-1:2222"],
}


def cluster_spec(pool: str, index: int, pools: dict[str, list[str]] = POOLS) -> dict[str, str]:
    task = {"type": pool, "index": index, "trial": ""}
    return {"CLUSTER_SPEC": json.dumps({"cluster": pools, "environment": "cloud", "task": task, "job": "{}"})}


@pytest.mark.parametrize(
    ("pool", "index", "rank"), [("workerpool0", 0, 0), ("workerpool1", 0, 1), ("workerpool1", 1, 2)]
)
def test_a_machine_of_a_vertex_job_finds_its_rank_and_its_leader(pool: str, index: int, rank: int) -> None:
    assert place_of(cluster_spec(pool, index)) == Place(rank, 3, 0, ("training-workerpool0-ab12-0", "2222"))


def test_the_place_is_told_as_torch_reads_it() -> None:
    place = place_of(cluster_spec("workerpool1", 1))
    assert place is not None
    assert place.variables() == {
        "MASTER_ADDR": "training-workerpool0-ab12-0",
        "MASTER_PORT": "2222",
        "RANK": "2",
        "WORLD_SIZE": "3",
        "LOCAL_RANK": "0",
    }


@pytest.mark.parametrize(
    "environment",
    [{}, {"WORLD_SIZE": "1", "RANK": "0"}, cluster_spec("workerpool0", 0, {"workerpool0": ["127.0.0.1:2222"]})],
)
def test_a_single_process_trains_alone(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert place_of(environment) is None
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with joined(CPU) as group:
        assert (group.leads, group.size, parallel_batches(CPU)) == (True, 1, 1)
        group.wait()


def test_a_process_of_torchrun_is_placed_by_its_variables() -> None:
    environment = {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "MASTER_ADDR": "10.0.0.7", "MASTER_PORT": "4000"}
    assert place_of(environment) == Place(3, 4, 1, ("10.0.0.7", "4000"))


@pytest.mark.parametrize(
    "spec",
    ["", "[]", "{}", {"cluster": {}, "task": {"type": "workerpool0", "index": 0}}, {"cluster": POOLS, "task": {}}],
)
def test_a_cluster_that_is_not_understood_is_refused(spec: Any) -> None:
    text = spec if isinstance(spec, str) else json.dumps(spec)
    with pytest.raises(InputError, match="CLUSTER_SPEC of the environment does not say this machine's place"):
        place_of({"CLUSTER_SPEC": text})


def test_processes_cannot_train_together_on_mps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLUSTER_SPEC", cluster_spec("workerpool0", 0)["CLUSTER_SPEC"])
    with pytest.raises(InputError, match="cannot train together on mps"), joined(torch.device("mps")):
        pass
