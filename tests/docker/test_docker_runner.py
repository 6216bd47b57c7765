"""The whole graph in containers, on tiny data: promote, hold, parity with native, reuse, true exit statuses."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from docker_site import IN_DOCKER, containers_of
from kfp import compiler, dsl
from run_site import LENIENT, MARKER, STRICT, Site, make_site

from components.images import OPS
from local_runner.choice import choose_runner
from local_runner.docker import DockerRun
from local_runner.docker_engine import engine, find_images
from local_runner.doctor import examine
from local_runner.execution import run_template
from local_runner.request import DockerSettings
from local_runner.tasks import TaskRecord
from local_runner.template import task_specs

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("docker"), pytest.mark.usefixtures("images")]


@pytest.fixture(scope="module")
def story(images: Any, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A candidate that is promoted, in containers; the same natively; and one that is held."""
    site = make_site(tmp_path_factory.mktemp("docker-site"))
    promoted = site.command("promoted", LENIENT, *IN_DOCKER)
    native = [*site.command("native", LENIENT, "--runner", "native"), "--registry", "native-registry"]
    for command in (promoted, native):
        done = site.run(command)
        assert done.returncode == 0, done.stderr
    trained = site.path / "promoted" / site.summary("promoted")["paths"]["train_model.model"]
    held = site.run(site.command("held", STRICT, "--model-dir", str(trained), *IN_DOCKER))
    assert held.returncode == 0, held.stderr
    return site


def stage_states(summary: dict[str, Any]) -> dict[str, str]:
    return {item["stage"]: item["status"] for item in summary["stages"]}


def test_a_good_candidate_is_registered_and_deployed_from_containers(story: Site) -> None:
    summary = story.summary("promoted")
    assert (summary["status"], summary["verdict"]) == ("succeeded", "promote")
    assert summary["versions"]["production"] == "v1"
    assert stage_states(summary)["deploy-model"] == "succeeded"
    assert summary["runner"]["name"] == "docker"
    assert set(summary["runner"]["images"]) == {"lab-lens-trainer", "lab-lens-evaluator", "lab-lens-ops"}


def test_a_candidate_below_the_floor_is_held_in_containers(story: Site) -> None:
    summary = story.summary("held")
    assert summary["verdict"] == "hold"
    assert stage_states(summary)["register-model"] == "skipped"
    assert stage_states(summary)["rollback-model"] == "succeeded"
    assert summary["versions"]["production"] == "v1"


def test_the_same_pipeline_data_and_seed_give_equal_metrics_natively_and_in_docker(story: Site) -> None:
    in_docker, native = (story.summary(name)["metrics"] for name in ("promoted", "native"))
    timed = {name for name in in_docker if name.endswith("seconds")}
    assert {name for name in native if name not in timed} == set(in_docker) - timed
    assert {name: in_docker[name] for name in in_docker if name not in timed} == {
        name: native[name] for name in native if name not in timed
    }
    assert len(in_docker) > 10


def test_what_containers_wrote_belongs_to_the_caller(story: Site) -> None:
    owners = {path.stat().st_uid for path in story.path.rglob("*")}
    assert owners == {os.getuid()}
    model = story.path / "promoted" / story.summary("promoted")["paths"]["train_model.model"] / "model.safetensors"
    assert stat.S_IMODE(model.stat().st_mode) & stat.S_IRUSR


def test_logs_of_containers_are_kept_and_hold_no_note(story: Site) -> None:
    logs = list((story.path / "promoted" / "logs").glob("*.log"))
    assert len(logs) == 10
    assert all(MARKER not in log.read_text(encoding="utf-8") for log in logs)


def test_no_container_is_left(story: Site) -> None:
    assert [containers_of(story.path / name) for name in ("promoted", "held")] == [[], []]


def test_the_same_command_reuses_what_nothing_has_changed(story: Site, tmp_path: Path) -> None:
    site = make_site(tmp_path)
    command = site.command("again", STRICT, *IN_DOCKER)
    site.run(command)
    second = site.run(command)
    assert second.returncode == 0, second.stderr
    states = stage_states(site.summary("again"))
    expensive = ("prepare-data", "train-model", "generate-summaries", "validate-model", "detect-bias")
    assert {states[stage] for stage in expensive} == {"reused"}
    assert states["decide-release"] == "succeeded"


class Silence:
    def task_started(self, name: str) -> None: ...

    def task_line(self, name: str, text: str) -> None: ...

    def task_ended(self, record: TaskRecord) -> None: ...


def ends_at_once(status: int, template: Path) -> Path:
    @dsl.component(base_image=OPS, install_kfp_package=False)
    def quick(code: int) -> str:
        import os

        if code:
            os._exit(code)
        return "done"

    @dsl.pipeline(name="ends-at-once")
    def one_task() -> None:
        quick(code=status)

    compiler.Compiler().compile(one_task, str(template))
    return template


@pytest.mark.parametrize("status", [3, 0])
def test_a_container_that_ends_at_once_tells_its_true_exit_status(status: int, tmp_path: Path) -> None:
    template = ends_at_once(status, tmp_path / "quick.yaml")
    with engine() as client:
        images = find_images(client, [OPS])
        for repeat in range(10):
            run_dir = tmp_path / str(repeat)
            run_dir.mkdir()
            run = DockerRun(run_dir, Silence(), client, task_specs(template), images, DockerSettings())
            run_template(template, {}, run)
            assert [record.exit_status for record in run.records] == [status]
            assert [record.succeeded for record in run.records] == [status == 0]


def test_auto_takes_docker_where_its_engine_has_the_images(tmp_path: Path) -> None:
    assert choose_runner("cpu", DockerSettings().references()) == (
        "docker",
        "the Docker engine answers and has the images",
    )
    name, reason = choose_runner("cpu", ["lab-lens-nothing"])
    assert name == "native"
    assert "lab-lens-nothing" in reason


def test_the_doctor_finds_engine_and_images(tmp_path: Path) -> None:
    found = {item.check: item.status for item in examine(tmp_path, DockerSettings().references(), docker_needed=True)}
    assert (found["docker"], found["docker images"]) == ("ok", "ok")
    absent = {item.check: item for item in examine(tmp_path, ["lab-lens-nothing"], docker_needed=True)}
    assert (absent["docker images"].status, absent["docker images"].cure) == (
        "problem",
        "make images, or run with --build",
    )
