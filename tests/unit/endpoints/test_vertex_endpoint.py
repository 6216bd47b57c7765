"""The endpoint of Vertex AI and deployments to it: Google's own clients over a real wire."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from endpoint_contract import EndpointContract
from loopback.vertex_operations import NEVER, Plan
from loopback.vertex_release import QUOTA
from vertex_endpoint_site import FULL_NAME, IMAGE, PARENT, Site, release, vertex_site

from lab_lens.endpoints.base import Endpoint, EndpointError, Release
from lab_lens.endpoints.vertex_names import deployed_id, deployed_name
from lab_lens.errors import InputError
from lab_lens.vertex_clients import VertexApi

V1, V2 = release("v1"), release("v2")


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


def faulty(site: Site, rpc: str, **plan: Any) -> None:
    """The next operation of a method goes by a plan."""
    site.server.jobs.plans[rpc] = [Plan(**plan)]


def problem_of(site: Site, wanted: Release = V2, **changes: Any) -> str:
    """What deploying a release says when it fails."""
    with pytest.raises(EndpointError) as failed:
        site.endpoint(**changes).deploy(wanted)
    return str(failed.value)


class TestVertexEndpoint(EndpointContract):
    """The suite that every endpoint passes."""

    @pytest.fixture
    def endpoint(self, site: Site) -> Endpoint:
        return site.endpoint()

    @pytest.fixture
    def releases(self) -> Sequence[Release]:
        return V1, V2

    @pytest.fixture
    def wrong_release(self) -> Release:
        return release("v3", uri="/on/this/machine")


def test_a_version_is_deployed_on_the_machines_of_the_settings(site: Site) -> None:
    machines = {"machine_type": "g2-standard-8", "accelerator_type": "NVIDIA_L4", "accelerator_count": 1}
    account = "serving@clinic.iam.gserviceaccount.com"
    site.endpoint(**machines, min_replicas=1, max_replicas=3, spot=True, service_account=account).deploy(V1)
    (request,) = site.server.requests("DeployModel")
    deployed = request.deployed_model
    assert dict(request.traffic_split) == {}
    assert deployed.service_account == account
    resources = deployed.dedicated_resources
    assert (resources.min_replica_count, resources.max_replica_count, resources.spot) == (1, 3, True)
    machine = resources.machine_spec
    assert (machine.machine_type, machine.accelerator_type.name, machine.accelerator_count) == tuple(machines.values())


def test_the_model_is_uploaded_from_the_bucket_with_the_serving_image(site: Site) -> None:
    site.endpoint().deploy(V1)
    (request,) = site.server.requests("UploadModel")
    model = request.model
    assert model.artifact_uri == V1.uri
    assert model.container_spec.image_uri == IMAGE
    assert (model.container_spec.predict_route, model.container_spec.health_route) == ("/predict", "/health")


def test_the_version_that_the_registry_shows_is_deployed_itself(site: Site) -> None:
    shown = f"{PARENT}/models/discharge"
    upload_as_the_registry(site, V1, IMAGE)
    endpoint = site.endpoint()
    endpoint.deploy(V1)
    (request,) = site.server.requests("DeployModel")
    assert request.deployed_model.model == f"{shown}@1"
    endpoint.undeploy("v1")
    assert site.server.models.names() == [shown]


@pytest.mark.parametrize("image", ["", "another/image:v2"])
def test_a_registered_version_with_another_image_is_not_what_is_deployed(site: Site, image: str) -> None:
    upload_as_the_registry(site, V1, image)
    site.endpoint().deploy(V1)
    assert "lab-lens" in site.server.requests("DeployModel")[0].deployed_model.model


def upload_as_the_registry(site: Site, shown: Release, image: str) -> None:
    labels = {"lab_lens_store": "s0", "lab_lens_content": shown.content_hash[:32]}
    container = {"container_spec": {"image_uri": image}} if image else {}
    told = {"version_description": f"{shown.version}; sha256 {shown.content_hash}", **container}
    upload(site, "discharge", {"artifact_uri": shown.uri, "labels": labels, **told})


def upload(site: Site, model_id: str, model: dict[str, Any]) -> None:
    client = client_of(site, "Model")
    asked = {"parent": PARENT, "model_id": model_id, "model": {"display_name": model_id, **model}}
    client.get_operation({"name": client.upload_model(asked).operation.name})


def client_of(site: Site, service: str) -> Any:
    """A client of somebody else."""
    return VertexApi("clinic", "europe-west4", site.server.url).client(service)


def test_an_endpoint_of_a_display_name_is_found_and_stays_when_a_deployment_fails(site: Site) -> None:
    make_endpoint(site, "Discharge notes")
    endpoint = site.endpoint("vertex://clinic/europe-west4/Discharge notes")
    faulty(site, "DeployModel", code=13, message="Model server exited unexpectedly.")
    with pytest.raises(EndpointError, match="Model server exited unexpectedly"):
        endpoint.deploy(V1)
    endpoint.deploy(V1)
    assert endpoint.split() == {"v1": 0}
    assert len([name for name in site.server.resources if "/endpoints/" in name]) == 1


def make_endpoint(site: Site, display_name: str) -> None:
    """As somebody does with the console."""
    client = client_of(site, "Endpoint")
    begun = client.create_endpoint({"parent": PARENT, "endpoint": {"display_name": display_name}})
    client.get_operation({"name": begun.operation.name})


def test_of_two_endpoints_of_one_name_the_ids_are_told(site: Site) -> None:
    for _ in range(2):
        make_endpoint(site, "notes")
    with pytest.raises(InputError, match=r"2 endpoints are called notes \(700\d, 700\d\); give one's id"):
        site.endpoint("vertex://clinic/europe-west4/notes").split()


@pytest.mark.parametrize("name", ["Discharge", "1234567890123", "a_b"])
def test_a_name_that_vertex_ai_does_not_take_is_refused_before_anything_is_made(site: Site, name: str) -> None:
    with pytest.raises(InputError, match="the name of a new one is a lower-case letter"):
        site.endpoint(f"vertex://clinic/europe-west4/{name}").deploy(V1)
    assert site.remains() == []


def test_a_location_that_is_none_is_refused(site: Site) -> None:
    with pytest.raises(InputError, match="give vertex://PROJECT/LOCATION/ENDPOINT_NAME"):
        site.endpoint("vertex://clinic/notes")


def test_without_a_bucket_or_an_image_both_are_asked_for(site: Site) -> None:
    told = problem_of(site, release("v1", uri="/registry/v1/model"), serving_image="")
    assert "register it in gs://BUCKET/PREFIX" in told
    assert "deployment.vertex.serving_image names no image" in told
    assert site.remains() == []


@pytest.mark.parametrize("remains", [False, True])
def test_a_deployment_that_fails_leaves_no_endpoint_no_model_and_no_deployed_model(site: Site, remains: bool) -> None:
    faulty(site, "DeployModel", code=9, message="Model server never became ready.", leaves_remains=remains)
    told = problem_of(site, V1)
    assert told == "deploying v1 failed: Model server never became ready. (FAILED_PRECONDITION)"
    assert site.remains() == []


@pytest.mark.parametrize("remains", [False, True])
def test_a_deployment_that_fails_beside_another_leaves_that_one_alone(serving: Site, remains: bool) -> None:
    before = serving.remains()
    faulty(serving, "DeployModel", code=8, message=QUOTA, leaves_remains=remains)
    assert "ask for more of this quota of clinic" in problem_of(serving)
    assert serving.remains() == before
    assert serving.split() == {"v1": 100}


def test_a_deployment_that_never_gets_ready_is_cancelled_in_time(serving: Site) -> None:
    before = serving.remains()
    faulty(serving, "DeployModel", looks=NEVER)
    told = problem_of(serving, deploy_timeout_minutes=0.0005)
    assert "deploying v2 took longer than 0.0005 minutes; it was cancelled" in told
    assert serving.remains() == before


def test_one_that_cannot_be_cancelled_is_told_and_found_by_the_next_try(serving: Site) -> None:
    faulty(serving, "DeployModel", looks=NEVER, deaf=True)
    told = problem_of(serving, deploy_timeout_minutes=0.0005)
    assert "could not be cancelled and may still end later" in told
    assert "what was made for it may remain" in told
    serving.server.jobs.hurry()
    serving.endpoint().deploy(V2)
    assert serving.endpoint().split() == {"v1": 100, "v2": 0}
    assert len(serving.server.requests("DeployModel")) == 2


def test_what_a_killed_process_has_at_work_is_waited_for_and_not_begun_again(serving: Site) -> None:
    upload(serving, "v2", {"artifact_uri": V2.uri, "description": f"sha256 {V2.content_hash}"})
    faulty(serving, "DeployModel", looks=5)
    deployed = {"id": deployed_id(V2), "display_name": deployed_name(V2), "model": f"{PARENT}/models/v2"}
    resources = {"machine_spec": {"machine_type": "n1-standard-4"}, "min_replica_count": 1}
    asked = {"endpoint": FULL_NAME, "deployed_model": {**deployed, "dedicated_resources": resources}}
    client_of(serving, "Endpoint").deploy_model(asked)
    serving.endpoint().deploy(V2)
    assert len(serving.server.requests("DeployModel")) == 2
    assert serving.endpoint().split() == {"v1": 100, "v2": 0}


def test_a_missing_permission_is_named(serving: Site) -> None:
    serving.server.fail("DeployModel", 403, "Permission denied on resource")
    told = problem_of(serving)
    assert "the caller needs aiplatform.endpoints.deploy in clinic (roles/aiplatform.user has it)" in told
    assert serving.split() == {"v1": 100}


def test_a_quota_is_named(serving: Site) -> None:
    serving.server.fail("DeployModel", 429, QUOTA)
    told = problem_of(serving)
    assert "custom_model_serving_nvidia_l4_gpus" in told
    assert "ask for more of this quota of clinic in europe-west4" in told


def test_an_unknown_project_or_region_is_hinted_at(site: Site) -> None:
    site.server.fail("CreateEndpoint", 404, "The project was not found")
    assert "check the project clinic, the region europe-west4 and the name" in problem_of(site)


def test_an_uploaded_model_that_is_not_used_any_more_is_deleted_by_the_next_deployment(serving: Site) -> None:
    owner = {"lab_lens_endpoint": "discharge-notes"}
    upload(serving, "left-by-a-killed-process", {"artifact_uri": V2.uri, "labels": owner})
    upload(serving, "of-somebody-else", {"artifact_uri": V2.uri})
    serving.endpoint().deploy(V1)
    names = [name.rsplit("/", 1)[1] for name in serving.server.models.names()]
    assert names[1:] == ["of-somebody-else"]
    assert names[0].startswith("lab-lens-")
