"""What every endpoint must do, as a suite: subclass it, and give `endpoint` and `releases`.

`endpoint` is empty at the beginning of each test. `releases` are two versions with different content; the second may
have the name v2. `wrong_release` cannot come up.
"""

import json
from collections.abc import Sequence

import pytest

from lab_lens.endpoints.base import Endpoint, EndpointError, Release, SplitChangedError, serving

NOTE = "chest pain and fever"


class EndpointContract:
    """The suite."""

    def test_it_begins_empty_and_serves_nobody(self, endpoint: Endpoint) -> None:
        assert endpoint.split() == {}
        assert not endpoint.is_healthy("v1")

    def test_a_version_comes_up_without_traffic_and_gets_it_only_by_a_shift(
        self, endpoint: Endpoint, releases: Sequence[Release]
    ) -> None:
        first, second = releases
        endpoint.deploy(first)
        assert endpoint.split() == {first.version: 0}
        endpoint.shift({first.version: 100}, expected={})
        endpoint.deploy(second)
        assert endpoint.split() == {first.version: 100, second.version: 0}
        endpoint.shift({first.version: 90, second.version: 10}, expected={first.version: 100})
        assert endpoint.split() == {first.version: 90, second.version: 10}
        # What is deployed already is left as it is, and its name can mean no other model.
        endpoint.deploy(second)
        impostor = Release(first.version, second.content_hash, second.uri, second.directory)
        with pytest.raises(EndpointError, match=first.version):
            endpoint.deploy(impostor)
        assert endpoint.split() == {first.version: 90, second.version: 10}

    def test_a_version_that_does_not_come_up_leaves_nothing_behind(
        self, endpoint: Endpoint, releases: Sequence[Release], wrong_release: Release
    ) -> None:
        with pytest.raises(EndpointError):
            endpoint.deploy(wrong_release)
        assert endpoint.split() == {}
        endpoint.deploy(releases[0])
        endpoint.shift({releases[0].version: 100}, expected={})
        with pytest.raises(EndpointError):
            endpoint.deploy(wrong_release)
        assert endpoint.split() == {releases[0].version: 100}

    def test_each_version_answers_for_itself(self, endpoint: Endpoint, releases: Sequence[Release]) -> None:
        first, second = releases
        for release in releases:
            endpoint.deploy(release)
        endpoint.shift({first.version: 70, second.version: 30}, expected={})
        for release in releases:
            assert endpoint.is_healthy(release.version)
            assert endpoint.model_hash(release.version) == release.content_hash
            reply = endpoint.predict(release.version, [NOTE, NOTE])
            assert [answer.model_hash for answer in reply.predictions] == [release.content_hash] * 2
            assert reply.predictions[0].summary.strip()
            assert reply.seconds > 0
            asked = json.dumps({"instances": [{"text": NOTE}]}).encode()
            assert endpoint.predict_status(release.version, asked) == 200
            assert 400 <= endpoint.predict_status(release.version, b'{"instances": [{"note": 1}]}') < 500
        with pytest.raises(EndpointError):
            endpoint.model_hash("v9")
        with pytest.raises(EndpointError):
            endpoint.predict("v9", [NOTE])

    def test_traffic_moves_only_from_the_expected_split_to_one_that_can_be(
        self, endpoint: Endpoint, releases: Sequence[Release]
    ) -> None:
        first, second = releases
        endpoint.deploy(first)
        endpoint.shift({first.version: 100}, expected={})
        with pytest.raises(EndpointError):
            endpoint.shift({second.version: 100}, expected={first.version: 100})
        endpoint.deploy(second)
        with pytest.raises(SplitChangedError) as refused:
            endpoint.shift({second.version: 100}, expected={first.version: 90, second.version: 10})
        assert serving(refused.value.present) == {first.version: 100}
        for shares in ((60, 60), (40, 40), (-10, 110)):
            wanted = {first.version: shares[0], second.version: shares[1]}
            with pytest.raises(EndpointError):
                endpoint.shift(wanted, expected={first.version: 100})
        assert endpoint.split() == {first.version: 100, second.version: 0}

    def test_a_version_with_traffic_cannot_be_undeployed_and_one_without_goes(
        self, endpoint: Endpoint, releases: Sequence[Release]
    ) -> None:
        first, second = releases
        for release in releases:
            endpoint.deploy(release)
        endpoint.shift({first.version: 99, second.version: 1}, expected={})
        with pytest.raises(EndpointError, match="traffic"):
            endpoint.undeploy(second.version)
        endpoint.shift({first.version: 100}, expected={first.version: 99, second.version: 1})
        endpoint.undeploy(second.version)
        endpoint.undeploy(second.version)
        assert endpoint.split() == {first.version: 100}
        endpoint.shift({}, expected={first.version: 100})
        endpoint.undeploy(first.version)
        assert endpoint.split() == {}
