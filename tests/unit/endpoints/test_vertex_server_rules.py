"""The loopback Vertex AI refuses what it says that the real one refuses: else tests against it would prove nothing."""

import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.api_core.exceptions import GoogleAPICallError
from vertex_endpoint_site import FULL_NAME, PARENT, Site, release, vertex_site

from lab_lens.vertex_clients import VertexApi

MACHINE = {"dedicated_resources": {"machine_spec": {"machine_type": "n1-standard-4"}, "min_replica_count": 1}}


@pytest.fixture
def site() -> Iterator[Site]:
    """v1 with all traffic, and v2 without."""
    with vertex_site() as found:
        endpoint = found.endpoint(dedicated=False)
        endpoint.deploy(release("v1"))
        endpoint.shift({"v1": 100}, expected={})
        endpoint.deploy(release("v2"))
        yield found


def client_of(site: Site, service: str = "Endpoint") -> Any:
    return VertexApi("clinic", "europe-west4", site.server.url).client(service)


def ids_of(site: Site) -> dict[str, str]:
    return {one.display_name.split()[1]: one.id for one in site.server.resources[FULL_NAME].deployed_models}


def update(site: Site, split: dict[str, int], etag: str = "", paths: tuple[str, ...] = ("traffic_split",)) -> Any:
    endpoint = {"name": FULL_NAME, "traffic_split": split, "etag": etag}
    return client_of(site).update_endpoint({"endpoint": endpoint, "update_mask": {"paths": list(paths)}})


def deploy(site: Site, **changes: Any) -> Any:
    model = site.server.models.names()[0]
    return client_of(site).deploy_model(
        {"endpoint": FULL_NAME, "deployed_model": {"model": model, **MACHINE, **changes}, "traffic_split": {}}
    )


REFUSALS: dict[str, Callable[[Site], Any]] = {
    "must add up to 100": lambda site: update(site, {ids_of(site)["v1"]: 90}),
    "do not exist": lambda site: update(site, {"12345": 100}),
    "etag mismatch": lambda site: update(site, {ids_of(site)["v2"]: 100}, etag="old"),
    "update_mask": lambda site: update(site, {}, paths=("name",)),
    "has 100 % of the traffic": lambda site: client_of(site).undeploy_model(
        endpoint=FULL_NAME, deployed_model_id=ids_of(site)["v1"], traffic_split={}
    ),
    "undeploy them first": lambda site: client_of(site).delete_endpoint(name=FULL_NAME),
    "is deployed": lambda site: client_of(site, "Model").delete_model(name=site.server.models.names()[0]),
    "already exists on": lambda site: deploy(site, id=ids_of(site)["v1"]),
    "is not valid": lambda site: deploy(site, id="12345678901"),
    "needs machine_spec.machine_type": lambda site: deploy(site, dedicated_resources={"min_replica_count": 1}),
    "Endpoint .* already exists": lambda site: client_of(site).create_endpoint(
        {"parent": PARENT, "endpoint": {"display_name": "again"}, "endpoint_id": "discharge-notes"}
    ),
    "endpoint_id .* is not valid": lambda site: client_of(site).create_endpoint(
        {"parent": PARENT, "endpoint": {"display_name": "notes"}, "endpoint_id": "Notes"}
    ),
    "labels are not valid": lambda site: client_of(site).create_endpoint(
        {"parent": PARENT, "endpoint": {"display_name": "notes", "labels": {"version": "v1.0"}}}
    ),
    "is not found": lambda site: client_of(site).get_endpoint(name=f"{FULL_NAME}-2"),
}


@pytest.mark.parametrize("told", sorted(REFUSALS))
def test_what_the_rules_do_not_allow_is_refused_and_changes_nothing(site: Site, told: str) -> None:
    before = site.remains()
    with pytest.raises(GoogleAPICallError, match=told):
        REFUSALS[told](site)
    assert site.split() == {"v1": 100}
    assert site.remains() == before


def test_one_operation_at_a_time_is_at_work_on_an_endpoint(site: Site) -> None:
    deploy(site)
    with pytest.raises(GoogleAPICallError, match="other operations running"):
        deploy(site)


def test_an_empty_split_answers_nobody(site: Site) -> None:
    update(site, {})
    with pytest.raises(GoogleAPICallError, match="doesn't have traffic_split"):
        client_of(site, "Prediction").predict(endpoint=FULL_NAME, instances=[])


def test_a_deployment_may_move_traffic_to_itself_and_the_last_model_goes_with_its_traffic(site: Site) -> None:
    client = client_of(site)
    deployed = {"model": site.server.models.names()[0], "id": "77", "display_name": "lab-lens v3", **MACHINE}
    asked = {"endpoint": FULL_NAME, "deployed_model": deployed}
    ended(client, client.deploy_model({**asked, "traffic_split": {"0": 100}}))
    assert dict(site.server.resources[FULL_NAME].traffic_split) == {"77": 100}
    ids = ids_of(site)
    for version in ("v1", "v2", "v3"):
        ended(client, client.undeploy_model(endpoint=FULL_NAME, deployed_model_id=ids[version], traffic_split={}))
    assert dict(site.server.resources[FULL_NAME].traffic_split) == {}
    ended(client, client.delete_endpoint(name=FULL_NAME))
    assert FULL_NAME not in site.server.resources


def test_replicas_of_a_deployed_model_can_be_changed(site: Site) -> None:
    client = client_of(site)
    changed = {"id": ids_of(site)["v1"], "dedicated_resources": {"max_replica_count": 3}}
    mask = {"paths": ["dedicated_resources.max_replica_count"]}
    ended(client, client.mutate_deployed_model(endpoint=FULL_NAME, deployed_model=changed, update_mask=mask))
    assert site.server.resources[FULL_NAME].deployed_models[0].dedicated_resources.max_replica_count == 3


def ended(client: Any, begun: Any) -> None:
    found = client.get_operation({"name": begun.operation.name})
    assert found.done
    assert not found.error.code


def test_a_raw_request_is_answered_by_the_container_and_says_which_one_it_was(site: Site) -> None:
    request = urllib.request.Request(
        f"{site.server.url}/v1/{FULL_NAME}:rawPredict", b'{"instances": ["a note"]}', {"Content-Type": "text/plain"}
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        assert answer.headers["X-Vertex-AI-Deployed-Model-Id"] == ids_of(site)["v1"]
        assert b"summary by" in answer.read()


def test_a_dedicated_endpoint_does_not_answer_at_the_shared_address() -> None:
    with vertex_site() as site:
        endpoint = site.endpoint()
        endpoint.deploy(release("v1"))
        endpoint.shift({"v1": 100}, expected={})
        with pytest.raises(GoogleAPICallError, match="cannot be accessed through the shared domain"):
            client_of(site, "Prediction").predict(endpoint=FULL_NAME, instances=[])
