"""What goes wrong between here and a service: one line a problem, with the cure, and the right exit status."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from loopback.vertex import VertexServer, pipeline_states

from lab_lens.errors import InputError, LabLensError
from pipelines.submission import vertex as vertex_module
from pipelines.submission.names import cron_problem
from pipelines.submission.prepare import run_id
from pipelines.submission.vertex import VertexService, credentials_for
from pipelines.submission.vertex_settings import VertexSettings

DENIED = {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    "reason": "IAM_PERMISSION_DENIED",
    "domain": "aiplatform.googleapis.com",
    "metadata": {"permission": "aiplatform.pipelineJobs.create"},
}


def only(ended: Any, status: int = 2) -> str:
    """The one problem of a command that ended with this status and left nothing behind."""
    assert ended.status == status
    (problem,) = ended.problems
    return str(problem)


def test_every_wrong_name_is_told_at_once_before_the_first_call(lens: Any, vertex: VertexServer) -> None:
    ended = lens(
        "submit", "--project", "My Project", "--region", "us-central1-a", "--staging-bucket", "my-bucket",
        "--data", "notes.csv", "--registry", "model_registry", "--model-dir", "models/mine",
        "--base-model", "./models/base", "--tracking-uri", "sqlite:///mlflow.db", "--service-account", "me@example.org",
        "--network", "default", "--kms-key", "my-key", "--labels", "Team=NLP", "--schedule", "0 25 * * *",
        "--api-endpoint", "http://example.org", "--template", "nowhere.yaml", "--actor", "tester",
    )  # fmt: skip
    assert ended.status == 2
    beginnings = (
        "--project 'My Project' is no project id",
        "--region 'us-central1-a' is no region",
        "--staging-bucket 'my-bucket' is no bucket",
        "--service-account 'me@example.org' is none",
        "--network 'default' is no full name",
        "--kms-key 'my-key' is no full name",
        "--api-endpoint 'http://example.org' must begin with https://",
        "label Team=NLP: ",
        "--data notes.csv is nothing that tasks elsewhere can read; give gs://BUCKET/PATH",
        "--registry model_registry is nothing",
        "--checkpoints my-bucket/checkpoints/",
        "--model-dir models/mine is nothing",
        "--base-model ./models/base is nothing",
        "--tracking-uri names a store of this machine",
        "--schedule: '25' is no hour; allowed are 0 to 23",
        "--template nowhere.yaml: no such file; lab-lens compile --out nowhere.yaml writes one",
    )
    for beginning in beginnings:
        assert any(problem.startswith(beginning) for problem in ended.problems), beginning
    assert len(ended.problems) == len(beginnings)
    assert vertex.calls == []


def test_what_is_lacking_is_told_at_once(lens: Any) -> None:
    ended = lens("submit", "--region", "us-central1", "--fail-on-hold", "--timeout-minutes", "0", "--tag", "v1")
    assert ended.status == 2
    assert ended.problems == [
        "--project is needed for Vertex AI Pipelines",
        "--data is needed: gs://BUCKET/notes.csv, or `synthetic`",
        "--staging-bucket gs://BUCKET is needed",
        "--fail-on-hold needs --wait: only a run that has ended has a verdict",
        "--timeout-minutes needs --wait",
        "--timeout-minutes 0.0 must be above 0",
        "--tag v1 needs --images PREFIX",
    ]


def test_neither_service_is_named(lens: Any) -> None:
    problem = "give --project and --region (Vertex AI Pipelines), or --kubeflow HOST"
    assert only(lens("status", "some-run")) == problem
    assert only(lens("cancel", "some-run")) == problem


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "is neither YAML nor JSON"),
        ("a: 1\n---\nb: 2\n", "has 2 YAML documents and must have one"),
        ("a: 1\n", "is no compiled pipeline (KFP IR 2.x)"),
        ("- 1\n", "is no compiled pipeline (KFP IR 2.x)"),
        ("", "has 0 YAML documents"),
    ],
    ids=["broken", "two documents", "something else", "a list", "empty"],
)
def test_a_template_that_is_none(submit: Any, tmp_path: Path, content: str, problem: str) -> None:
    path = tmp_path / "pipeline.yaml"
    path.write_text(content, encoding="utf-8")
    assert problem in only(submit("--template", str(path)))


def test_a_template_with_local_images_is_refused_and_the_cure_is_named(
    submit: Any, lens: Any, vertex: VertexServer
) -> None:
    assert lens("compile", "--out", "local.yaml").status == 0
    problem = only(submit("--template", "local.yaml"))
    assert problem.startswith("the template names local images (lab-lens-evaluator, lab-lens-ops, lab-lens-trainer)")
    assert "--images REGISTRY/PREFIX --tag TAG or --digests FILE" in problem
    assert vertex.calls == []


def test_a_template_with_other_parameters_is_refused(submit: Any, template: Path, tmp_path: Path) -> None:
    document = yaml.safe_load(template.read_text(encoding="utf-8"))
    parameters = document["root"]["inputDefinitions"]["parameters"]
    parameters["cohort"] = {"parameterType": "STRING"}
    del parameters["actor"]
    path = tmp_path / "other.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    ended = submit("--template", str(path))
    assert ended.status == 2
    assert ended.problems[0].startswith("the pipeline has no parameter actor; it has base_model, ")
    assert ended.problems[1] == "the pipeline needs a value for cohort"


def test_images_for_a_template_that_is_compiled_already(submit: Any) -> None:
    problem = only(submit("--template", "x.yaml", "--images", "docker.example.org/lens"))
    assert problem == "--template is compiled already: leave out --images, --tag and --digests"


def test_an_unknown_setting_is_told_beside_other_problems(submit: Any, tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text('{"sead": 1}', encoding="utf-8")
    ended = submit("--config", "settings.json", "--wait", "--schedule", "0 3 * * 1")
    assert ended.status == 2
    assert ended.problems[0].startswith("--wait is for one run")
    assert any("unknown setting sead" in problem for problem in ended.problems)


def test_a_key_of_another_region(submit: Any) -> None:
    problem = only(submit("--kms-key", "projects/p/locations/europe-west4/keyRings/r/cryptoKeys/k"))
    assert problem == "--kms-key lies in europe-west4 and the run in us-central1; give a key of us-central1"


def test_a_password_in_the_tracking_address_is_refused_and_not_repeated(submit: Any) -> None:
    problem = only(submit("--tracking-uri", "https://user:hunter2@mlflow.example.org"))
    assert "everyone who may look at the run would see" in problem
    assert "hunter2" not in problem


def test_a_bucket_that_does_not_exist(submit: Any, vertex: VertexServer) -> None:
    vertex.buckets.clear()
    problem = only(submit())
    assert problem.startswith("the bucket gs://my-bucket does not exist; `gcloud storage buckets create gs://my-bucket")
    assert vertex.calls == []


def test_a_bucket_that_may_not_be_looked_at_does_not_stop_the_run(submit: Any, vertex: VertexServer) -> None:
    vertex.fail("GetBucket", 403, "no storage.buckets.get")
    ended = submit()
    assert ended.status == 0
    assert ended.err == "the bucket gs://my-bucket was not checked: Cloud Storage answers 403\n"
    assert len(vertex.requests("CreatePipelineJob")) == 1


def test_403_names_the_permission_and_the_roles(submit: Any, vertex: VertexServer) -> None:
    vertex.fail("CreatePipelineJob", 403, "Permission denied on resource", details=[DENIED])
    problem = only(submit())
    assert "does not allow it (403): aiplatform.pipelineJobs.create is lacking" in problem
    assert "roles/aiplatform.user" in problem
    assert "roles/iam.serviceAccountUser" in problem


def test_403_names_the_permission_that_only_the_message_tells(submit: Any, vertex: VertexServer) -> None:
    said = "Permission 'aiplatform.pipelineJobs.create' denied on resource (or it may not exist)."
    vertex.fail("CreatePipelineJob", 403, said)
    assert "does not allow it (403): aiplatform.pipelineJobs.create is lacking" in only(submit())


def test_403_of_another_kind_keeps_what_google_says(submit: Any, vertex: VertexServer) -> None:
    said = "You do not have permission to act as service_account: runner@my-project.iam.gserviceaccount.com."
    vertex.fail("CreatePipelineJob", 403, said)
    assert said in only(submit())


def test_404(submit: Any, vertex: VertexServer) -> None:
    vertex.fail("CreatePipelineJob", 404, "Project my-project not found")
    problem = only(submit())
    assert "does not find it (404): Project my-project not found; check --project and --region" in problem


def test_a_run_that_does_not_exist(lens: Any, vertex: VertexServer) -> None:
    place = ("--project", "my-project", "--region", "us-central1", "--api-endpoint", vertex.url)
    assert "does not find it (404)" in only(lens("status", "nowhere", *place))
    assert "does not find it (404)" in only(lens("cancel", "nowhere", *place))
    assert "does not find it (404)" in only(lens("cancel", "nowhere", "--schedule", *place))


def test_429_is_quota(submit: Any, vertex: VertexServer) -> None:
    vertex.fail("CreatePipelineJob", 429, "Quota exceeded for custom_model_training_nvidia_l4_gpus")
    problem = only(submit())
    assert "has no quota left for it (429): Quota exceeded for custom_model_training_nvidia_l4_gpus" in problem
    assert "another region" in problem


def test_400_keeps_what_google_says_in_one_short_line(submit: Any, vertex: VertexServer) -> None:
    vertex.fail("CreatePipelineJob", 400, "Invalid\nspec " + "x" * 2000)
    problem = only(submit())
    assert "refuses it (400): Invalid spec xxx" in problem
    assert len(problem) < 600


def test_500_is_no_fault_of_the_caller(submit: Any, vertex: VertexServer) -> None:
    vertex.fail("CreatePipelineJob", 500, "Internal error")
    assert "failed (500): Internal error; try again later" in only(submit(), status=1)


def test_503_for_a_moment_is_borne(submit: Any, vertex: VertexServer) -> None:
    vertex.fail("CreatePipelineJob", 503, "try again", times=1)
    assert submit().status == 0
    assert len(vertex.resources) == 1


def test_a_service_that_is_away_while_a_run_is_watched_is_borne(submit: Any, vertex: VertexServer) -> None:
    vertex.script("pipelineJobs", pipeline_states("RUNNING", "SUCCEEDED"))
    vertex.fail("GetPipelineJob", 503, "try again")
    assert submit("--wait").status == 0
    assert len(vertex.requests("GetPipelineJob")) == 2


def test_a_service_that_does_not_answer_in_time(vertex: VertexServer) -> None:
    vertex.slow("GetPipelineJob", 5.0)
    settings = VertexSettings("my-project", "us-central1", endpoint=vertex.url)
    late = r"cannot be reached \(it did not answer in time\)"
    with VertexService(settings, timeout_seconds=0.1) as service, pytest.raises(InputError, match=late):
        service.view("some-run")


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address at which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_a_service_that_stays_away_is_told_and_the_run_goes_on(vertex: VertexServer) -> None:
    vertex.fail("GetPipelineJob", 503, "try again", times=100)
    settings = VertexSettings("my-project", "us-central1", endpoint=vertex.url)
    with (
        VertexService(settings, patience_seconds=0.5) as service,
        pytest.raises(LabLensError, match=r"failed \(503\): try again"),
    ):
        service.view("some-run", patient=True)
    assert len(vertex.requests("GetPipelineJob")) > 1


def test_nothing_answers(lens: Any, nobody: str) -> None:
    place = ("--project", "my-project", "--region", "us-central1", "--api-endpoint", nobody)
    problem = only(lens("status", "some-run", *place))
    assert problem.startswith("looking at the run: Vertex AI in us-central1 cannot be reached (ConnectionError); check")


def test_no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "nowhere.json"))
    with pytest.raises(InputError, match=r"no Google Cloud credentials: .*nowhere\.json") as raised:
        credentials_for("")
    assert "gcloud auth application-default login" in raised.value.problems[0]


def test_credentials_are_left_out_on_loopback_alone() -> None:
    assert type(credentials_for("http://127.0.0.1:1")) is vertex_module.AnonymousCredentials
    for elsewhere in ("http://127.0.0.1.example.org", "https://127.0.0.1", "http://example.org"):
        assert not vertex_module.is_loopback(elsewhere)


@pytest.mark.parametrize(
    "schedule",
    ["0 3 * * 1", "*/15 0-6 1,15 * mon-fri", "TZ=Europe/Berlin 0 3 * * 1", "CRON_TZ=UTC 5 4 * jan-mar *", "0 0 ? * 0"],
)
def test_schedules_that_are_taken(schedule: str) -> None:
    assert cron_problem(schedule) is None


@pytest.mark.parametrize(
    ("schedule", "problem"),
    [
        ("0 3 * *", "has 4 fields"),
        ("0 0 3 * * 1", "has 6 fields"),
        ("60 3 * * 1", "'60' is no minute"),
        ("0 3 0 * 1", "'0' is no day of the month"),
        ("0 3 * 13 1", "'13' is no month"),
        ("0 3 * * fry", "'fry' is no day of the week"),
        ("0 5-3 * * 1", "'5-3' is no hour"),
        ("*/0 3 * * 1", "'*/0' is no minute"),
        ("@daily", "has 1 fields"),
        ("TZ=Berlin 0 3 * * 1", "'Berlin' is no time zone"),
    ],
)
def test_schedules_that_are_refused(schedule: str, problem: str) -> None:
    assert problem in str(cron_problem(schedule))


@pytest.mark.parametrize("name", ["lab-lens", "42", "Ärzte / Notes!", "x" * 300, "-"])
def test_any_name_gives_an_id_that_vertex_takes(name: str) -> None:
    made = run_id(name, "20261124T090000")
    assert len(made) <= 128
    assert made[0].isalpha()
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert made != run_id(name, "20261124T090000")
