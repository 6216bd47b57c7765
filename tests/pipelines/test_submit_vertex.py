"""The compiled pipeline on Vertex AI: Google's own clients over a real wire, bodies in Google's own types."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.auth.credentials import AnonymousCredentials
from google.cloud import aiplatform_v1
from google.protobuf import json_format
from loopback.server import wait_until
from loopback.vertex import Refused, Step, VertexServer, pipeline_states

from lab_lens.config import parse_config
from lab_lens.errors import InputError
from pipelines.submission.vertex import VertexService
from pipelines.submission.vertex_settings import VertexSettings

START, END = "2026-11-24T09:00:00Z", "2026-11-24T09:01:30Z"
PARENT = "projects/my-project/locations/us-central1"
KEY = f"{PARENT}/keyRings/ring/cryptoKeys/key"
NETWORK = "projects/12345/global/networks/clinical"
ACCOUNT = "runner@my-project.iam.gserviceaccount.com"
FULL = ("--service-account", ACCOUNT, "--network", NETWORK, "--kms-key", KEY, "--labels", "team=nlp,stage=test")


def task(name: str, state: str, **more: Any) -> Step:
    return {"taskName": name, "taskId": str(abs(hash(name)) % 10**6), "parentTaskId": "1", "state": state, **more}


def decided(verdict: str) -> Step:
    times = {"startTime": START, "endTime": END}
    return task("decide-release", "SUCCEEDED", execution={"metadata": {"output:Output": verdict}}, **times)


def steps(last: str, *tasks: Step, error: str = "") -> list[Step]:
    """A run that prepares, then ends in a state with its tasks."""
    running = {"jobDetail": {"taskDetails": [task("prepare-data", "RUNNING", startTime=START)]}}
    first, second, third = pipeline_states("PENDING", "RUNNING", last, error=error)
    prepared = task("prepare-data", "SUCCEEDED", startTime=START, endTime=END)
    times = {"startTime": START, "endTime": END}
    return [first, second | running, third | times | {"jobDetail": {"taskDetails": [prepared, *tasks]}}]


def sent(server: VertexServer) -> Any:
    (request,) = server.requests("CreatePipelineJob")
    return request


def test_the_body_is_the_compiled_pipeline_with_its_parameters(
    submit: Any, vertex: VertexServer, template: Path
) -> None:
    ended = submit()
    assert ended.status == 0, ended.err
    request = sent(vertex)
    assert request.parent == PARENT
    assert request.pipeline_job_id == ended.said("run")
    document = json_format.MessageToDict(type(request).pb(request).pipeline_job.pipeline_spec)
    assert document == yaml.safe_load(template.read_text(encoding="utf-8"))
    values = dict(request.pipeline_job.runtime_config.parameter_values)
    assert parse_config(values.pop("config")) == parse_config("{}")
    assert values == {
        "data": "/gcs/my-bucket/notes.csv",
        "registry": "gs://my-bucket/lab-lens/model_registry",
        "checkpoints": f"/gcs/my-bucket/lab-lens/checkpoints/{ended.said('run')}",
        "device": "auto",
        "actor": "tester",
        "run_name": ended.said("run"),
    }
    assert request.pipeline_job.runtime_config.gcs_output_directory == "gs://my-bucket/lab-lens"


def test_it_prints_the_run_its_full_name_and_the_console_link(submit: Any, vertex: VertexServer) -> None:
    ended = submit("--run-name", "First Try")
    run = ended.said("run")
    assert run.startswith("first-try-2")
    assert ended.said("name") == f"{PARENT}/pipelineJobs/{run}"
    console = "https://console.cloud.google.com/vertex-ai/locations/us-central1/pipelines/runs"
    assert ended.said("link") == f"{console}/{run}?project=my-project"
    assert ended.said("look") == f"lab-lens status {run} --project my-project --region us-central1"
    assert sent(vertex).pipeline_job.display_name == "First Try"
    assert ended.err == ""


def test_account_network_key_and_labels_are_in_the_body(submit: Any, vertex: VertexServer) -> None:
    assert submit(*FULL).status == 0
    job = sent(vertex).pipeline_job
    assert job.service_account == ACCOUNT
    assert job.network == NETWORK
    assert job.encryption_spec.kms_key_name == KEY
    assert dict(job.labels) == {"team": "nlp", "stage": "test"}


@pytest.mark.parametrize(
    "registry", ["gs://models/registry", "vertex://my-project/us-central1/summarizer?store=gs://models/registry"]
)
def test_a_registry_in_the_cloud_is_passed_as_it_is(submit: Any, vertex: VertexServer, registry: str) -> None:
    assert submit("--registry", registry).status == 0
    assert dict(sent(vertex).pipeline_job.runtime_config.parameter_values)["registry"] == registry


def test_every_path_in_a_bucket_is_passed_as_the_path_where_tasks_see_it(submit: Any, vertex: VertexServer) -> None:
    paths = {
        "--checkpoints": "gs://models/checkpoints",
        "--model-dir": "gs://models/trained",
        "--base-model": "gs://models/base",
    }
    given = [word for item in paths.items() for word in item]
    assert submit(*given, "--tracking-uri", "https://mlflow.example.org").status == 0
    values = dict(sent(vertex).pipeline_job.runtime_config.parameter_values)
    names = ("checkpoints", "trained_model", "base_model")
    assert [values[name] for name in names] == [uri.replace("gs://", "/gcs/") for uri in paths.values()]
    assert values["tracking_uri"] == "https://mlflow.example.org"


def test_no_cache_reaches_the_tasks_inside_groups(submit: Any, vertex: VertexServer) -> None:
    assert submit().status == 0
    assert submit("--no-cache").status == 0
    cached, uncached = (_cached(request) for request in vertex.requests("CreatePipelineJob"))
    assert {"validate-model", "detect-bias"} <= cached
    assert uncached == set()


def _cached(request: Any) -> set[str]:
    document = json_format.MessageToDict(type(request).pb(request).pipeline_job.pipeline_spec)
    groups = [document["root"], *document["components"].values()]
    tasks = [item for group in groups for item in group.get("dag", {}).get("tasks", {}).items()]
    return {name for name, task in tasks if task.get("cachingOptions", {}).get("enableCache")}


def test_without_a_template_it_is_compiled_for_vertex_with_the_images(
    submit: Any, lens: Any, vertex: VertexServer
) -> None:
    ended = lens(
        "submit", "--project", "my-project", "--region", "us-central1", "--staging-bucket", "gs://my-bucket",
        "--data", "synthetic", "--images", "docker.example.org/lens", "--tag", "v7", "--api-endpoint", vertex.url,
    )  # fmt: skip
    assert ended.status == 0, ended.err
    document = json_format.MessageToDict(aiplatform_v1.PipelineJob.pb(sent(vertex).pipeline_job).pipeline_spec)
    images = {item["container"]["image"] for item in document["deploymentSpec"]["executors"].values()}
    assert images == {f"docker.example.org/lens/lab-lens-{family}:v7" for family in ("trainer", "evaluator", "ops")}


def test_a_schedule_is_made_with_the_whole_job_and_names_each_run_for_itself(submit: Any, vertex: VertexServer) -> None:
    ended = submit("--schedule", "TZ=Europe/Berlin 0 3 * * mon", "--run-name", "weekly", *FULL)
    assert ended.status == 0, ended.err
    (request,) = vertex.requests("CreateSchedule")
    assert vertex.requests("CreatePipelineJob") == []
    assert request.schedule.cron == "TZ=Europe/Berlin 0 3 * * mon"
    assert request.schedule.max_concurrent_run_count == 1
    inner = request.schedule.create_pipeline_job_request
    assert inner.parent == PARENT
    assert inner.pipeline_job.service_account == ACCOUNT
    document = json_format.MessageToDict(aiplatform_v1.PipelineJob.pb(inner.pipeline_job).pipeline_spec)
    tasks = document["root"]["dag"]["tasks"]
    assert tasks["notify"]["inputs"]["parameters"]["run_name"] == {
        "runtimeValue": {"constant": "{{$.pipeline_job_name}}"}
    }
    assert '{"componentInputParameter": "run_name"}' not in json.dumps(tasks)
    assert ended.said("end it").startswith(f"lab-lens cancel {ended.said('schedule')} --schedule --project my-project")


def test_waiting_shows_tasks_as_they_change_and_the_verdict(submit: Any, vertex: VertexServer) -> None:
    vertex.script("pipelineJobs", steps("SUCCEEDED", decided("promote")))
    ended = submit("--wait", "--fail-on-hold")
    assert ended.status == 0, ended.err
    lines = [line.split() for line in ended.out.splitlines()]
    assert ["RUNNING", "prepare-data"] in [line[:2] for line in lines]
    assert ["SUCCEEDED", "prepare-data", "90.0", "s"] in lines
    assert ["SUCCEEDED", "decide-release", "90.0", "s"] in lines
    assert ["verdict", "promote"] in lines
    assert [line for line in ended.out.splitlines() if "/gcs/" in line or "bootstrap" in line] == [], "a parameter"


def test_a_hold_ends_well_unless_the_caller_asked_to_fail_on_it(submit: Any, vertex: VertexServer) -> None:
    for more, status in (((), 0), (("--fail-on-hold",), 3)):
        vertex.script("pipelineJobs", steps("SUCCEEDED", decided("hold")))
        ended = submit("--wait", *more)
        assert ended.status == status
        assert "verdict" in ended.out
        assert (ended.problems == []) is (status == 0)
    assert ended.problems[0].startswith("the verdict is hold; https://console.cloud.google.com/")


def test_a_run_without_a_verdict_is_no_promotion(submit: Any, vertex: VertexServer) -> None:
    vertex.script("pipelineJobs", steps("SUCCEEDED"))
    ended = submit("--wait", "--fail-on-hold")
    assert ended.status == 3
    assert ended.problems[0].startswith("the verdict is not decided; ")


def test_a_failed_run_ends_with_1_and_names_the_task(submit: Any, vertex: VertexServer) -> None:
    failed = task("train-model", "FAILED", startTime=START, error={"code": 9, "message": "exited with status 137"})
    vertex.script("pipelineJobs", steps("FAILED", failed, error="The DAG failed because some tasks failed."))
    ended = submit("--wait", "--fail-on-hold")
    assert ended.status == 1
    (problem,) = ended.problems
    assert "is FAILED: failed: train-model (exited with status 137); The DAG failed" in problem


def test_a_run_that_is_cancelled_elsewhere_ends_with_1(submit: Any, vertex: VertexServer) -> None:
    vertex.script("pipelineJobs", pipeline_states("RUNNING", "CANCELLING", "CANCELLED"))
    ended = submit("--wait")
    assert ended.status == 1
    assert "is CANCELLED" in ended.problems[0]


def test_a_run_that_takes_too_long_goes_on_and_that_is_said(submit: Any, vertex: VertexServer) -> None:
    vertex.script("pipelineJobs", pipeline_states("RUNNING"))
    ended = submit("--wait", "--timeout-minutes", "0.001")
    assert ended.status == 1
    assert re.search(r"is still RUNNING after 0\.06 s; \S+ goes on: lab-lens status ", ended.problems[0])
    assert vertex.requests("CancelPipelineJob") == []


def interrupted(vertex: VertexServer, template: Path, during: str) -> tuple[int, str]:
    """Submit in a process of its own and press Ctrl-C once a call has come; its exit status and what it said."""
    place = ("--project", "my-project", "--region", "us-central1", "--api-endpoint", vertex.url)
    needed = ("--staging-bucket", "gs://my-bucket", "--data", "synthetic", "--template", str(template), "--wait")
    command = [sys.executable, "-m", "lab_lens", "submit", *place, *needed, "--poll-seconds", "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as waiting:
        wait_until(lambda: bool(vertex.requests(during)), seconds=60)
        waiting.send_signal(signal.SIGINT)
        _, said = waiting.communicate(timeout=30)
    return waiting.returncode, said


posix_only = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")


@posix_only
def test_ctrl_c_while_waiting_leaves_the_run_alone_and_says_how_to_end_it(vertex: VertexServer, template: Path) -> None:
    vertex.script("pipelineJobs", pipeline_states("RUNNING"))
    status, said = interrupted(vertex, template, "GetPipelineJob")
    run = sent(vertex).pipeline_job_id
    assert status == 130
    assert said == (
        f"interrupted; {run} goes on. End it: lab-lens cancel {run} --project my-project --region us-central1\n"
    )
    assert vertex.requests("CancelPipelineJob") == []


@posix_only
def test_ctrl_c_while_submitting_says_that_the_run_may_have_started(vertex: VertexServer, template: Path) -> None:
    vertex.slow("CreatePipelineJob", 30.0)
    status, said = interrupted(vertex, template, "CreatePipelineJob")
    run = sent(vertex).pipeline_job_id
    assert status == 130
    assert said == f"interrupted; {run} may have been started: look before you submit again\n"


def test_a_login_that_runs_out_while_waiting_does_not_end_the_run(submit: Any, vertex: VertexServer) -> None:
    vertex.script("pipelineJobs", pipeline_states("RUNNING"))
    vertex.fail("GetPipelineJob", 401, "Request had invalid authentication credentials")
    ended = submit("--wait")
    run = ended.said("run")
    assert ended.status == 2
    assert "does not accept the credentials (401); run `gcloud auth" in ended.problems[0]
    assert ended.problems[1].startswith(f"{run} goes on: lab-lens status {run} --project my-project")


def test_status_shows_the_run_for_people_and_for_programs(submit: Any, lens: Any, vertex: VertexServer) -> None:
    vertex.script("pipelineJobs", steps("SUCCEEDED", decided("rollback"))[2:])
    run = submit().said("run")
    shown = lens("status", run, "--project", "my-project", "--region", "us-central1", "--api-endpoint", vertex.url)
    assert shown.status == 0, shown.err
    lines = [line.split() for line in shown.out.splitlines()]
    assert ["state", "SUCCEEDED"] in lines
    assert ["verdict", "rollback"] in lines
    assert ["decide-release", "SUCCEEDED", "90.0", "s"] in lines
    view = json.loads(lens("status", f"{PARENT}/pipelineJobs/{run}", "--json", "--api-endpoint", vertex.url).out)
    assert view["state"] == "SUCCEEDED"
    assert view["verdict"] == "rollback"
    assert view["seconds"] == 90.0
    assert [item["name"] for item in view["tasks"]] == ["decide-release", "prepare-data"]


def test_a_full_name_may_carry_the_number_of_the_project_as_google_writes_it(
    submit: Any, lens: Any, vertex: VertexServer
) -> None:
    name = submit("--project", "123456789012").said("name")
    assert name.startswith("projects/123456789012/locations/us-central1/pipelineJobs/")
    assert lens("status", name, "--api-endpoint", vertex.url).status == 0


def test_cancel_asks_for_the_end_of_a_run(submit: Any, lens: Any, vertex: VertexServer) -> None:
    vertex.script("pipelineJobs", pipeline_states("RUNNING"))
    ended = submit()
    cancelled = lens("cancel", ended.said("name"), "--api-endpoint", vertex.url)
    assert cancelled.status == 0, cancelled.err
    (request,) = vertex.requests("CancelPipelineJob")
    assert request.name == ended.said("name")
    assert vertex.resources[ended.said("name")].state.name == "PIPELINE_STATE_CANCELLED"


def test_cancel_deletes_a_schedule(submit: Any, lens: Any, vertex: VertexServer) -> None:
    ended = submit("--schedule", "0 3 * * 1")
    place = ("--project", "my-project", "--region", "us-central1", "--api-endpoint", vertex.url)
    assert lens("cancel", ended.said("schedule"), "--schedule", *place).status == 0
    assert ended.said("name") not in vertex.resources


def test_a_lost_answer_does_not_start_a_second_run(submit: Any, vertex: VertexServer) -> None:
    """The first attempt got through; its repetition finds the run that it made."""

    def lose(request: Any) -> Any:
        del vertex.answers["CreatePipelineJob"]
        vertex.resources[f"{PARENT}/pipelineJobs/{request.pipeline_job_id}"] = request.pipeline_job
        raise Refused(503, "the answer was lost")

    vertex.on("CreatePipelineJob", lose)
    assert submit().status == 0
    assert len(vertex.requests("CreatePipelineJob")) == 2
    assert len(vertex.resources) == 1


def test_google_refuses_a_field_that_it_does_not_know(vertex: VertexServer) -> None:
    """The server is strict: a body that Google's type does not have cannot pass these tests."""
    import requests

    url = f"{vertex.url}/v1/{PARENT}/pipelineJobs"
    answer = requests.post(url, json={"displayName": "x", "serviceAcount": "typo"}, timeout=5)
    assert answer.status_code == 400
    assert "serviceAcount" in answer.text


def test_the_service_can_be_used_by_itself(vertex: VertexServer) -> None:
    settings = VertexSettings("my-project", "us-central1", endpoint=vertex.url)
    with VertexService(settings) as service, pytest.raises(InputError, match="does not find it"):
        service.view("nowhere")
    client = aiplatform_v1.PipelineServiceClient(
        credentials=AnonymousCredentials(), transport="rest", client_options={"api_endpoint": vertex.url}
    )
    assert list(client.list_pipeline_jobs(parent=PARENT)) == []
    client.transport.close()


@pytest.mark.parametrize(
    ("deployment", "problem"),
    [
        ({"endpoint": "local:endpoint"}, "is on one machine, which tasks elsewhere cannot reach"),
        ({"endpoint": "vertex://my-project/us-central1/notes"}, "needs an image to serve with"),
    ],
)
def test_an_endpoint_that_tasks_could_not_deploy_to_is_refused(
    submit: Any, tmp_path: Path, deployment: dict[str, str], problem: str
) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"deployment": deployment}))
    ended = submit("--config", str(config))
    assert ended.status == 2
    assert problem in ended.err
