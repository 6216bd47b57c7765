"""The same compiled file on a Kubeflow cluster: the real kfp.Client over a real wire, strict bodies."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from loopback.kubeflow import KubeflowServer, run_step

from lab_lens.config import parse_config
from lab_lens.errors import InputError
from pipelines.submission.kubeflow import KubeflowService
from pipelines.submission.kubeflow_settings import KubeflowSettings

RUNNING = run_step("RUNNING", ("root", "RUNNING"), ("prepare-data-driver", "SUCCEEDED"), ("prepare-data", "RUNNING"))
DECIDED = (("prepare-data", "SUCCEEDED"), ("decide-release", "SUCCEEDED"))


def _spec(content: Any) -> pipeline_spec_pb2.PipelineSpec:
    return json_format.ParseDict(content, pipeline_spec_pb2.PipelineSpec())


def test_the_body_is_the_compiled_pipeline_with_its_parameters(
    submit_to_cluster: Any, kubeflow: KubeflowServer, template: Path
) -> None:
    ended = submit_to_cluster("--service-account", "pipeline-runner")
    assert ended.status == 0, ended.err
    (body,) = kubeflow.made("runs")
    assert _spec(body["pipeline_spec"]) == _spec(yaml.safe_load(template.read_text(encoding="utf-8")))
    values = body["runtime_config"]["parameters"]
    assert values["data"] == "/data/notes.csv"
    assert values["registry"] == "/data/registry"
    assert values["run_name"] == body["display_name"] == ended.said("name")
    assert parse_config(values["config"]) == parse_config("{}")
    assert body["service_account"] == "pipeline-runner"
    assert body["experiment_id"] == "experiments-1"


def test_it_prints_one_link_and_how_to_look(submit_to_cluster: Any, kubeflow: KubeflowServer) -> None:
    ended = submit_to_cluster("--experiment", "summaries")
    assert ended.said("link") == f"{kubeflow.url}/#/runs/details/{ended.said('run')}"
    assert ended.said("look") == f"lab-lens status {ended.said('run')} --kubeflow {kubeflow.url}"
    assert len(ended.out.splitlines()) == 4, "kfp.Client prints links of its own"
    assert [body["display_name"] for body in kubeflow.made("experiments")] == ["summaries"]


def test_an_experiment_that_exists_is_used_again(submit_to_cluster: Any, kubeflow: KubeflowServer) -> None:
    assert submit_to_cluster().status == submit_to_cluster().status == 0
    assert len(kubeflow.made("experiments")) == 1
    assert {body["experiment_id"] for body in kubeflow.made("runs")} == {"experiments-1"}


def test_no_cache_reaches_the_tasks_inside_groups(submit_to_cluster: Any, kubeflow: KubeflowServer) -> None:
    assert submit_to_cluster().status == submit_to_cluster("--no-cache").status == 0
    counts = [json.dumps(body["pipeline_spec"]).count('"enableCache": true') for body in kubeflow.made("runs")]
    assert counts[0] > 0
    assert counts[1] == 0


def test_a_schedule_becomes_a_recurring_run_with_seconds(submit_to_cluster: Any, kubeflow: KubeflowServer) -> None:
    ended = submit_to_cluster("--schedule", "CRON_TZ=Europe/Berlin 0 3 * * 1", "--run-name", "weekly")
    assert ended.status == 0, ended.err
    (body,) = kubeflow.made("recurringruns")
    assert kubeflow.made("runs") == []
    assert body["trigger"] == {"cron_schedule": {"cron": "TZ=Europe/Berlin 0 0 3 * * 1"}}
    assert body["mode"] == "ENABLE"
    assert body["max_concurrency"] == 1
    assert body["no_catchup"] is True
    assert body["display_name"] == "weekly"
    assert "{{$.pipeline_job_name}}" in json.dumps(body["pipeline_spec"])


def test_a_recurring_run_can_be_ended(submit_to_cluster: Any, lens: Any, kubeflow: KubeflowServer) -> None:
    ended = submit_to_cluster("--schedule", "0 3 * * 1")
    assert lens("cancel", ended.said("schedule"), "--schedule", "--kubeflow", kubeflow.url).status == 0
    assert kubeflow.kept["recurringruns"] == {}


def test_waiting_shows_our_tasks_and_not_the_pods_of_kubeflow(submit_to_cluster: Any, kubeflow: KubeflowServer) -> None:
    kubeflow.script([RUNNING, run_step("SUCCEEDED", *DECIDED, ("register-model", "SUCCEEDED"))])
    ended = submit_to_cluster("--wait", "--fail-on-hold")
    assert ended.status == 0, ended.err
    lines = [line.split() for line in ended.out.splitlines()]
    assert ["RUNNING", "prepare-data"] in [line[:2] for line in lines]
    assert ["verdict", "promote"] in lines
    assert "driver" not in ended.out
    assert [line for line in lines if "root" in line] == []


def test_a_run_that_kept_production_is_no_promotion(submit_to_cluster: Any, kubeflow: KubeflowServer) -> None:
    kubeflow.script([run_step("SUCCEEDED", *DECIDED, ("rollback-model-2", "SUCCEEDED"))])
    ended = submit_to_cluster("--wait", "--fail-on-hold")
    assert ended.status == 3
    assert ended.problems[0].startswith("the verdict is not promote; ")


def test_a_failed_run_ends_with_1_and_names_the_task(submit_to_cluster: Any, kubeflow: KubeflowServer) -> None:
    kubeflow.script([run_step("FAILED", ("train-model", "FAILED"), error="child failed")])
    ended = submit_to_cluster("--wait")
    assert ended.status == 1
    assert "is FAILED: failed: train-model (exit 1); child failed; logs: http" in ended.problems[0]


def test_status_and_cancel(submit_to_cluster: Any, lens: Any, kubeflow: KubeflowServer) -> None:
    kubeflow.script([RUNNING])
    run = submit_to_cluster().said("run")
    view = json.loads(lens("status", run, "--json", "--kubeflow", kubeflow.url).out)
    assert (view["state"], view["verdict"]) == ("RUNNING", "")
    assert lens("cancel", run, "--kubeflow", kubeflow.url).status == 0
    assert "CANCELLED" in lens("status", run, "--kubeflow", kubeflow.url).out


def test_a_token_comes_from_the_environment_or_a_file_and_is_never_shown(
    lens: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = "s3cret-token"
    monkeypatch.setenv("CLUSTER_TOKEN", secret)
    (tmp_path / "token").write_text(f"{secret}\n", encoding="utf-8")
    with KubeflowServer(token=secret) as server:
        place = ("nowhere", "--kubeflow", server.url)
        for given in (("--token-env", "CLUSTER_TOKEN"), ("--token-file", "token")):
            ended = lens("--verbose", "status", *place, *given)
            assert "does not find it (404)" in ended.err
            assert secret not in ended.out + ended.err
        assert {call.token for call in server.calls} == {secret}
        (problem,) = lens("status", *place).problems
        assert "does not accept the credentials (401); give a valid token by --token-env NAME" in problem
    assert secret not in repr(KubeflowSettings("http://x", token=secret))


def test_a_token_that_is_not_there(lens: Any, kubeflow: KubeflowServer, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for given, problem in (
        (("--token-env", "NO_SUCH_TOKEN"), "--token-env NO_SUCH_TOKEN: this environment variable is not set, or empty"),
        (("--token-file", "nowhere"), "--token-file nowhere cannot be read (FileNotFoundError)"),
        (("--token-file", "empty"), "--token-file empty is empty"),
    ):
        ended = lens("status", "run", "--kubeflow", kubeflow.url, *given)
        assert (ended.status, ended.problems) == (2, [problem])


def test_a_cluster_with_several_users_needs_a_namespace(lens: Any) -> None:
    with KubeflowServer(multi_user=True) as server:
        (problem,) = lens("status", "run", "--kubeflow", server.url).problems
        assert problem.endswith("is shared by several users; give --namespace (your profile's name)")
        ended = lens("status", "run", "--kubeflow", server.url, "--namespace", "nlp")
        assert "404" in ended.problems[0]


def test_what_is_for_vertex_and_paths_of_buckets_are_refused(lens: Any, template: Path) -> None:
    ended = lens(
        "submit", "--kubeflow", "kubeflow.example.org", "--data", "gs://b/notes.csv", "--registry", "registry",
        "--checkpoints", "/data/c", "--template", str(template), "--actor", "tester",
    )  # fmt: skip
    assert ended.status == 2
    allowed = "give an absolute path on a volume that the cluster mounts into the tasks"
    assert ended.problems == [
        "--kubeflow 'kubeflow.example.org' is no address; give one such as https://kubeflow.example.org/pipeline",
        f"--data gs://b/notes.csv is nothing that tasks elsewhere can read; {allowed}, or `synthetic`",
        "--registry registry is nothing that tasks elsewhere can use; give gs://BUCKET/PREFIX, or "
        f"vertex://PROJECT/LOCATION/MODEL?store=gs://BUCKET/PREFIX; or {allowed}",
    ]
    ended = lens(
        "submit", "--kubeflow", "https://k", "--region", "us-central1", "--network", "n", "--data", "synthetic"
    )
    assert ended.problems == [
        "--region is for Vertex AI; leave it out with --kubeflow",
        "--network is for Vertex AI; leave it out with --kubeflow",
        "--registry is needed: gs://BUCKET/PREFIX, or a path that tasks share",
        "--checkpoints is needed: a path that tasks share",
    ]


def test_403_404_and_500(submit_to_cluster: Any, kubeflow: KubeflowServer) -> None:
    kubeflow.fail("runs", 403, "User 'me' is not authorized with reason: PermissionDenied")
    kubeflow.fail("runs", 400, "Failed to fetch a template")
    kubeflow.fail("runs", 500, "database is away")
    forbidden, refused, failed = (submit_to_cluster() for _ in range(3))
    assert (forbidden.status, refused.status, failed.status) == (2, 2, 1)
    assert "does not allow it (403): User 'me' is not authorized" in forbidden.problems[0]
    assert "kubeflow-edit" in forbidden.problems[0]
    assert "refuses it (400): Failed to fetch a template" in refused.problems[0]
    assert "failed (500): database is away; try again later" in failed.problems[0]


def test_a_cluster_that_is_away_while_a_run_is_watched_is_borne(
    submit_to_cluster: Any, kubeflow: KubeflowServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubeflow.script([run_step("SUCCEEDED", *DECIDED)])
    run = submit_to_cluster().said("run")
    kubeflow.fail("runs", 503, "no healthy upstream", times=2)
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    with KubeflowService(KubeflowSettings(kubeflow.url)) as service:
        assert service.view(run, patient=True).state == "SUCCEEDED"
    assert pauses == [1.0, 2.0]


def test_a_cluster_that_does_not_answer_in_time(kubeflow: KubeflowServer) -> None:
    with KubeflowService(KubeflowSettings(kubeflow.url), timeout_seconds=1) as service:
        kubeflow.fail("runs", 0, "", seconds=5.0)
        with pytest.raises(InputError, match=r"cannot be reached \(ReadTimeoutError\)"):
            service.view("some-run")


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address at which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_nothing_answers(lens: Any, nobody: str) -> None:
    (problem,) = lens("status", "some-run", "--kubeflow", nobody).problems
    assert problem.startswith(f"connecting: Kubeflow Pipelines at {nobody} cannot be reached (NewConnectionError); ")
    assert "kubectl port-forward" in problem


def test_the_cluster_refuses_a_field_that_it_does_not_know(kubeflow: KubeflowServer) -> None:
    """The server is strict: a body that kfp's type does not have cannot pass these tests."""
    import requests

    body = {"display_name": "x", "runtime_config": {"params": {}}}
    answer = requests.post(f"{kubeflow.url}/apis/v2beta1/runs", json=body, timeout=5)
    assert answer.status_code == 400
    assert "V2beta1RuntimeConfig has no field params" in answer.text
