"""The launcher with Google's real client, over HTTP, against a server that parses into Google's own types."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from google.cloud import aiplatform_v1
from loopback.vertex import STOCK_OUT, VertexServer, job_states

from lab_lens.jobs.__main__ import main

Arguments = Callable[..., list[str]]
# A launcher that waits for a job which never ends is a failure, not a long test.
pytestmark = pytest.mark.timeout(60)
DENIED = "Permission 'aiplatform.customJobs.create' denied on resource '//aiplatform.googleapis.com/projects/clinic'"


@pytest.fixture(autouse=True)
def process_as_before() -> Iterator[None]:
    former = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, former)


def created(server: VertexServer) -> list[tuple[str, str]]:
    """Region and machine type of each job that was asked for."""
    return [
        (request.parent.rsplit("/", 1)[1], request.custom_job.job_spec.worker_pool_specs[0].machine_spec.machine_type)
        for request in server.requests("CreateCustomJob")
    ]


def test_a_spot_job_is_asked_for_with_everything_that_training_needs(
    server: VertexServer, launcher_arguments: Arguments
) -> None:
    server.script("customJobs", job_states("PENDING", "RUNNING", "SUCCEEDED"))
    placed = (
        *("--service-account", "trainer@clinic.iam.gserviceaccount.com"),
        *("--network", "projects/12/global/networks/vpc"),
        *("--kms-key", "projects/clinic/locations/europe-west4/keyRings/r/cryptoKeys/k"),
    )
    arguments = launcher_arguments(*placed, strategy="spot", timeout_hours=6)
    environment = {"VERTEX_AI_PIPELINES_RUN_LABELS": '{"cost-center": "icu"}'}
    assert main(arguments, environment) == 0
    (request,) = server.requests("CreateCustomJob")
    assert isinstance(request, aiplatform_v1.CreateCustomJobRequest)
    assert request.parent == "projects/clinic/locations/europe-west4"
    job = request.custom_job
    assert job.labels["cost-center"] == "icu"
    assert job.display_name == f"lab-lens-train-model-{job.labels['lab_lens_task']}"
    assert job.encryption_spec.kms_key_name == placed[-1]
    spec = job.job_spec
    assert (spec.service_account, spec.network) == (placed[1], placed[3])
    assert spec.scheduling.strategy == aiplatform_v1.Scheduling.Strategy.SPOT
    assert spec.scheduling.restart_job_on_worker_restart
    assert spec.scheduling.timeout.total_seconds() == 6 * 3600
    (pool,) = spec.worker_pool_specs
    assert pool.replica_count == 1
    assert pool.machine_spec == aiplatform_v1.MachineSpec(
        machine_type="g2-standard-8",
        accelerator_type=aiplatform_v1.AcceleratorType.NVIDIA_L4,
        accelerator_count=1,
    )
    command = arguments[arguments.index("--") + 1 :]
    assert pool.container_spec.image_uri == "images/lab-lens-trainer:v1"
    assert [*pool.container_spec.command, *pool.container_spec.args] == command


def test_what_the_pipeline_does_not_have_the_job_does_not_have_either(
    server: VertexServer, launcher_arguments: Arguments
) -> None:
    server.script("customJobs", job_states("SUCCEEDED"))
    empty = ("--service-account", "", "--network", "", "--kms-key", "")
    assert main(launcher_arguments(*empty, strategy="on_demand", restart_on_worker_restart=False), {}) == 0
    job = server.requests("CreateCustomJob")[0].custom_job
    assert (job.job_spec.service_account, job.job_spec.network, job.encryption_spec.kms_key_name) == ("", "", "")
    assert job.job_spec.scheduling.strategy == aiplatform_v1.Scheduling.Strategy.STANDARD
    assert not job.job_spec.scheduling.restart_job_on_worker_restart


def test_several_machines_are_one_that_leads_and_workers(server: VertexServer, launcher_arguments: Arguments) -> None:
    server.script("customJobs", job_states("SUCCEEDED"))
    assert main(launcher_arguments(replicas=4), {}) == 0
    leader, workers = server.requests("CreateCustomJob")[0].custom_job.job_spec.worker_pool_specs
    assert (leader.replica_count, workers.replica_count) == (1, 3)
    assert leader.container_spec == workers.container_spec
    assert leader.machine_spec == workers.machine_spec


def test_a_machine_without_accelerator_asks_for_none(server: VertexServer, launcher_arguments: Arguments) -> None:
    server.script("customJobs", job_states("SUCCEEDED"))
    assert main(launcher_arguments(preset="cpu", strategy="spot"), {}) == 0
    machine = server.requests("CreateCustomJob")[0].custom_job.job_spec.worker_pool_specs[0].machine_spec
    assert machine == aiplatform_v1.MachineSpec(machine_type="n1-standard-16")


def test_the_console_link_and_each_state_are_shown(
    server: VertexServer, launcher_arguments: Arguments, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    # A machine was taken away in the middle, and Vertex AI started the job again.
    server.script("customJobs", job_states("QUEUED", "PENDING", "RUNNING", "PENDING", "RUNNING", "SUCCEEDED"))
    assert main(launcher_arguments(strategy="spot", capacity_timeout_minutes=0.0003), {}) == 0
    link = "https://console.cloud.google.com/vertex-ai/locations/europe-west4/training/1001?project=clinic"
    assert f"job: {link}" in caplog.messages
    states = [message.removeprefix("job is ") for message in caplog.messages if message.startswith("job is ")]
    assert states == ["queued", "pending", "running", "pending", "running", "succeeded"]


def test_out_of_stock_leads_to_the_next_machine_and_then_to_the_next_region(
    server: VertexServer, launcher_arguments: Arguments
) -> None:
    server.fail("CreateCustomJob", 429, STOCK_OUT)
    server.script("customJobs", job_states("PENDING", "FAILED", error=STOCK_OUT, code=3))
    server.script("customJobs", job_states("PENDING", "RUNNING", "SUCCEEDED"))
    training = {
        "strategy": "spot",
        "machine_types": ["g2-standard-8", "a2-ultragpu-1g"],
        "regions": ["europe-west4", "europe-west1"],
    }
    assert main(launcher_arguments(**training), {}) == 0
    assert created(server) == [
        ("europe-west4", "g2-standard-8"),
        ("europe-west4", "a2-ultragpu-1g"),
        ("europe-west1", "g2-standard-8"),
    ]


def test_when_all_are_out_of_stock_each_reason_is_told(
    server: VertexServer, launcher_arguments: Arguments, capsys: pytest.CaptureFixture[str]
) -> None:
    server.fail("CreateCustomJob", 429, "quota of L4 exceeded", times=2)
    assert main(launcher_arguments(regions=["europe-west4", "europe-west1"]), {}) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("lab-lens: error: none of the 2 machines to train on could be had")
    assert [line.endswith("quota of L4 exceeded") for line in lines] == [False, True, True]


def test_a_machine_that_does_not_come_in_time_is_given_up_and_its_job_cancelled(
    server: VertexServer, launcher_arguments: Arguments
) -> None:
    server.script("customJobs", job_states("PENDING"))
    server.script("customJobs", job_states("SUCCEEDED"))
    training = {"regions": ["europe-west4", "europe-west1"], "capacity_timeout_minutes": 0.0005}
    assert main(launcher_arguments(**training), {}) == 0
    (cancelled,) = server.requests("CancelCustomJob")
    assert cancelled.name.startswith("projects/clinic/locations/europe-west4/")
    assert [region for region, _ in created(server)] == ["europe-west4", "europe-west1"]


@pytest.mark.parametrize("refused", ["ListCustomJobs", "CreateCustomJob"])
def test_a_missing_permission_ends_it_at_once_with_the_cure(
    server: VertexServer, launcher_arguments: Arguments, capsys: pytest.CaptureFixture[str], refused: str
) -> None:
    server.fail(refused, 403, DENIED)
    account = ("--service-account", "trainer@clinic.iam.gserviceaccount.com")
    assert main(launcher_arguments(*account, regions=["europe-west4", "europe-west1"]), {}) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert DENIED in line
    assert "give trainer@clinic.iam.gserviceaccount.com roles/aiplatform.user" in line
    assert len(server.requests("CreateCustomJob")) == (refused == "CreateCustomJob")


def test_an_invalid_job_is_not_tried_elsewhere(
    server: VertexServer, launcher_arguments: Arguments, capsys: pytest.CaptureFixture[str]
) -> None:
    server.fail("CreateCustomJob", 400, "Image images/lab-lens-trainer:v1 is not found")
    assert main(launcher_arguments(regions=["europe-west4", "europe-west1"]), {}) == 2
    assert "refuses a job on g2-standard-8 with 1 NVIDIA_L4 in europe-west4 (400)" in capsys.readouterr().err
    assert len(created(server)) == 1


@pytest.mark.parametrize(
    ("state", "error", "words"),
    [
        (
            "FAILED",
            "The replica workerpool0-0 exited with a non-zero status of 1.",
            "the training job failed: The replica",
        ),
        ("CANCELLED", "", "the training job was cancelled; https://console"),
        ("EXPIRED", "", "took longer than resources.training.timeout_hours (24); https://console"),
    ],
)
def test_a_job_that_fails_by_itself_is_not_tried_elsewhere(
    server: VertexServer,
    launcher_arguments: Arguments,
    capsys: pytest.CaptureFixture[str],
    state: str,
    error: str,
    words: str,
) -> None:
    server.script("customJobs", job_states("RUNNING", state, error=error, code=3))
    assert main(launcher_arguments(regions=["europe-west4", "europe-west1"]), {}) == 1
    assert words in capsys.readouterr().err
    assert len(created(server)) == 1


def test_a_busy_service_is_asked_again(server: VertexServer, launcher_arguments: Arguments) -> None:
    server.fail("CreateCustomJob", 503, "try again", times=2)
    server.fail("GetCustomJob", 503, "try again", times=2)
    server.script("customJobs", job_states("PENDING", "SUCCEEDED"))
    assert main(launcher_arguments(strategy="spot"), {}) == 0
    assert len(created(server)) == 3


def succeed_at_next_look(server: VertexServer) -> None:
    def succeed(request: Any) -> Any:
        server.set(request.name, job_states("SUCCEEDED")[0])
        return server.resources[request.name]

    server.on("GetCustomJob", succeed)


def test_a_job_whose_answer_got_lost_is_joined_and_not_made_twice(
    server: VertexServer, launcher_arguments: Arguments
) -> None:
    def make_and_lose_the_answer(request: Any) -> Any:
        job = aiplatform_v1.CustomJob(request.custom_job)
        job.name, job.state = f"{request.parent}/customJobs/7", aiplatform_v1.JobState.JOB_STATE_RUNNING
        server.resources[job.name] = job
        raise ConnectionAbortedError

    server.on("CreateCustomJob", make_and_lose_the_answer)
    succeed_at_next_look(server)
    assert main(launcher_arguments(strategy="spot"), {}) == 0
    assert len(created(server)) == 1


@pytest.mark.parametrize("state", ["QUEUED", "PENDING", "RUNNING", "SUCCEEDED"])
def test_a_task_that_is_tried_again_joins_the_job_that_it_had(
    server: VertexServer, launcher_arguments: Arguments, state: str
) -> None:
    arguments = launcher_arguments(regions=["europe-west4", "europe-west1"])
    server.fail("CreateCustomJob", 429, STOCK_OUT)
    server.script("customJobs", job_states("SUCCEEDED"))
    assert main(arguments, {}) == 0
    (name,) = server.resources
    server.set(name, job_states(state)[0])
    succeed_at_next_look(server)
    assert main(arguments, {}) == 0
    assert len(created(server)) == 2


@pytest.mark.parametrize("earlier", [("CANCELLED", ""), ("FAILED", "exited with a non-zero status of 1")])
def test_a_task_that_is_tried_again_after_its_job_failed_makes_a_new_one(
    server: VertexServer, launcher_arguments: Arguments, earlier: tuple[str, str]
) -> None:
    state, error = earlier
    server.script("customJobs", job_states("RUNNING", state, error=error))
    assert main(launcher_arguments(strategy="spot"), {}) == 1
    server.script("customJobs", job_states("SUCCEEDED"))
    assert main(launcher_arguments(strategy="spot"), {}) == 0
    assert len(created(server)) == 2


def test_the_job_of_another_task_is_left_alone(
    server: VertexServer, launcher_arguments: Arguments, output: Path
) -> None:
    server.script("customJobs", job_states("SUCCEEDED"))
    arguments = launcher_arguments(strategy="spot")
    assert main(arguments, {}) == 0
    other = output.with_name("other_output.json")
    other.write_text("{}", encoding="utf-8")
    server.script("customJobs", job_states("SUCCEEDED"))
    assert main([word.replace(str(output), str(other)) for word in arguments], {}) == 0
    keys = {request.custom_job.labels["lab_lens_task"] for request in server.requests("CreateCustomJob")}
    assert len(keys) == 2


def test_a_key_of_the_pipelines_region_is_not_used_in_another(
    server: VertexServer, launcher_arguments: Arguments, capsys: pytest.CaptureFixture[str]
) -> None:
    server.fail("CreateCustomJob", 429, STOCK_OUT)
    key = "projects/clinic/locations/europe-west4/keyRings/r/cryptoKeys/k"
    assert main(launcher_arguments("--kms-key", key, regions=["europe-west4", "europe-west1"]), {}) == 2
    assert f"in europe-west1: the pipeline's key {key} belongs to europe-west4" in capsys.readouterr().err
    assert len(created(server)) == 1


def test_a_job_that_wrote_nothing_is_no_success(
    server: VertexServer, launcher_arguments: Arguments, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output.unlink()
    server.script("customJobs", job_states("SUCCEEDED"))
    assert main(launcher_arguments(strategy="spot"), {}) == 1
    assert f"the training job ended well but never wrote {output}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda words: words[: words.index("--")], "the command that the job runs is missing"),
        (lambda words: words[: words.index("--executor_input")], "the command has no executor input"),
        (lambda words: [*words[:-1], "{{$}}"], "the command has no executor input"),
        (lambda words: [*words[:-1], '{"outputs": {}}'], "the command has no executor input"),
        (lambda words: [*words, "x" * 131_072], "has 131072 bytes and a container takes 131071 at most"),
        (lambda words: ["--job", "{}", *words[2:]], "--job: image is missing"),
        (lambda words: ["--jobs", *words[1:]], "see python -m lab_lens.jobs --help"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_asked(
    server: VertexServer,
    launcher_arguments: Arguments,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[list[str]], list[str]],
    words: str,
) -> None:
    assert main(change(launcher_arguments(strategy="spot")), {}) == 2
    assert words in capsys.readouterr().err
    assert server.calls == []
