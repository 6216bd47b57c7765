"""Traffic and questions at the endpoint of Vertex AI: Google's own clients over a real wire."""

import json
from collections.abc import Iterator

import pytest
from loopback.vertex_release import Interruption, answer_lost, answer_unavailable
from vertex_endpoint_site import FULL_NAME, Site, release, vertex_site

from lab_lens.endpoints.base import EndpointError, SplitChangedError

V1, V2 = release("v1"), release("v2")
REFUSED = b'{"instances": [{"note": 1}]}'


@pytest.fixture
def site() -> Iterator[Site]:
    with vertex_site() as found:
        yield found


@pytest.fixture
def serving(site: Site) -> Site:
    """A site where v1 has all traffic."""
    endpoint = site.endpoint()
    endpoint.deploy(V1)
    endpoint.shift({"v1": 100}, expected={})
    return site


def test_a_service_that_stays_away_is_told_and_nothing_was_changed(serving: Site) -> None:
    serving.server.fail("UpdateEndpoint", 503, "The service is currently unavailable.", times=50)
    serving.endpoint().deploy(V2)
    with pytest.raises(EndpointError, match=r"moving traffic did not succeed in 6 attempts: .*unavailable"):
        serving.endpoint().shift({"v2": 100}, expected={"v1": 100})
    assert serving.split() == {"v1": 100}


@pytest.mark.parametrize("how", [answer_lost, answer_unavailable])
def test_a_shift_whose_answer_was_lost_is_not_made_twice(serving: Site, how: Interruption) -> None:
    endpoint = serving.endpoint()
    endpoint.deploy(V2)
    before = len(serving.server.requests("UpdateEndpoint"))
    serving.server.interrupt("UpdateEndpoint", how)
    endpoint.shift({"v2": 100}, expected={"v1": 100})
    assert serving.split() == {"v2": 100}
    assert len(serving.server.requests("UpdateEndpoint")) == before + 1


def test_a_split_that_is_edited_between_read_and_write_stays_as_the_other_wanted_it(serving: Site) -> None:
    endpoint = serving.endpoint()
    endpoint.deploy(V2)
    ids = {item.display_name.split()[1]: item.id for item in serving.server.resources[FULL_NAME].deployed_models}
    edited = {ids["v1"]: 60, ids["v2"]: 40}
    serving.server.meanwhile("UpdateEndpoint", lambda: serving.server.endpoints.split(FULL_NAME, edited))
    with pytest.raises(SplitChangedError) as refused:
        endpoint.shift({"v2": 100}, expected={"v1": 100})
    assert refused.value.present == {"v1": 60, "v2": 40}
    assert serving.split() == {"v1": 60, "v2": 40}


def test_an_edit_of_something_else_between_read_and_write_does_not_keep_traffic_from_moving(serving: Site) -> None:
    endpoint = serving.endpoint()
    endpoint.deploy(V2)
    same = dict(serving.server.resources[FULL_NAME].traffic_split)
    serving.server.meanwhile("UpdateEndpoint", lambda: serving.server.endpoints.split(FULL_NAME, same))
    endpoint.shift({"v2": 100}, expected={"v1": 100})
    assert serving.split() == {"v2": 100}


def test_a_version_without_traffic_cannot_be_asked_and_says_why(serving: Site) -> None:
    endpoint = serving.endpoint()
    endpoint.deploy(V2)
    assert endpoint.reaches_idle is False
    assert endpoint.is_healthy("v2")
    with pytest.raises(EndpointError, match="v2 has no traffic"):
        endpoint.predict("v2", ["chest pain"])


def test_a_version_with_a_small_share_is_asked_until_it_answers(serving: Site) -> None:
    endpoint = serving.endpoint()
    endpoint.deploy(V2)
    endpoint.shift({"v1": 90, "v2": 10}, expected={"v1": 100})
    for _ in range(5):
        (answer,) = endpoint.predict("v2", ["chest pain"]).predictions
        assert answer.model_hash == V2.content_hash
    assert serving.containers[V1.content_hash].requests > 5


def test_an_error_that_only_one_of_two_versions_gives_is_found(serving: Site) -> None:
    endpoint = serving.endpoint()
    endpoint.deploy(V2)
    endpoint.shift({"v1": 50, "v2": 50}, expected={"v1": 100})
    assert endpoint.predict_status("v2", REFUSED) == 400
    serving.containers[V2.content_hash].model.broken = True
    with pytest.raises(EndpointError, match="asking v2"):
        endpoint.predict("v2", ["chest pain"])
    assert endpoint.predict_status("v2", json.dumps({"instances": ["a note"]}).encode()) == 500


def test_no_error_repeats_a_note(serving: Site) -> None:
    serving.containers[V1.content_hash].model.broken = True
    with pytest.raises(EndpointError) as failed:
        serving.endpoint().predict("v1", ["Mrs. Miller has chest pain"])
    assert "Miller" not in str(failed.value)


def test_a_dedicated_endpoint_is_asked_at_its_own_address(serving: Site) -> None:
    asked = [call for call in serving.server.calls if call.rpc == "Predict"]
    assert serving.server.resources[FULL_NAME].dedicated_endpoint_enabled
    serving.endpoint().predict("v1", ["chest pain"])
    asked = [call for call in serving.server.calls if call.rpc == "Predict"]
    assert {call.headers["Host"].split(":")[0] for call in asked} == {"localhost"}


def test_an_endpoint_that_is_not_dedicated_is_asked_where_the_api_is(site: Site) -> None:
    endpoint = site.endpoint(dedicated=False)
    endpoint.deploy(V1)
    endpoint.shift({"v1": 100}, expected={})
    assert endpoint.model_hash("v1") == V1.content_hash


def test_what_others_deployed_is_seen_and_keeps_its_share(serving: Site) -> None:
    endpoint = serving.server.resources[FULL_NAME]
    with serving.server.lock:
        endpoint.deployed_models[0].display_name = "by hand"
    assert serving.endpoint().split() == {f"deployed-model-{endpoint.deployed_models[0].id}": 100}
