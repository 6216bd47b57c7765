"""The whole graph in containers, on tiny data: promote, hold, parity with native, and everything that can go wrong."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import docker
import pytest
from run_site import LENIENT, MARKER, STRICT, Site, make_site

from local_runner.docker import RUN_LABEL

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("docker"), pytest.mark.usefixtures("images")]

IN_DOCKER = ("--runner", "docker")


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


def containers_of(run_dir: Path) -> list[Any]:
    client = docker.from_env()
    try:
        return client.containers.list(all=True, filters={"label": f"{RUN_LABEL}={run_dir}"})
    finally:
        client.close()


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


def test_too_little_memory_is_named_as_such(tmp_path: Path) -> None:
    site = make_site(tmp_path)
    limits = {"tasks": {"train_model": {"memory_gib": 0.25}}}
    done = site.run(site.command("small", LENIENT, *IN_DOCKER, resources=limits))
    assert done.returncode == 1
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("lab-lens: error:")]
    assert "train-model failed: out of memory" in error
    assert "resources.tasks.train_model.memory_gib" in error
    assert "have no effect" not in done.stderr
    assert not (tmp_path / "registry").exists()
    assert containers_of(tmp_path / "small") == []


@contextmanager
def small_disk(path: Path, megabytes: int) -> Iterator[None]:
    """A file system of that size at `path`."""
    path.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(path)], check=False)
    if made.returncode != 0:
        pytest.skip("NOT TESTED: a full disk, since this user may not mount a small one")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


def test_a_full_disk_is_named_as_such(tmp_path: Path) -> None:
    site = make_site(tmp_path)
    with small_disk(tmp_path / "disk", 4):
        done = site.run([*site.command("run", LENIENT, *IN_DOCKER, "--no-tracking"), "--out", "disk/run"])
        assert done.returncode == 2, done.stderr
        assert "no space left" in done.stderr.lower()
        assert "Traceback" not in done.stderr
    assert not (tmp_path / "registry").exists()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--images", "registry.invalid/lab", "--tag", "none"), "cannot be pulled"),
        (("--tag", "none"), "--tag none needs --images"),
        (("--tracking-uri", "http://mlflow.invalid"), "cannot be reached from containers without a network"),
        (("--base-model", "some-hub/model"), "containers have no network to download it"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_written(
    more: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    site = make_site(tmp_path)
    done = site.run(site.command("refused", LENIENT, *IN_DOCKER, *more))
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "refused").exists()


def test_a_gpu_that_the_engine_does_not_have_is_refused(tmp_path: Path) -> None:
    client = docker.from_env()
    runtimes = client.info()["Runtimes"]
    client.close()
    if "nvidia" in runtimes:
        pytest.skip("NOT TESTED: a missing GPU, since this engine has one")
    site = make_site(tmp_path)
    done = site.run([*site.command("gpu", LENIENT, *IN_DOCKER), "--device", "cuda"])
    assert done.returncode == 2
    assert "NVIDIA Container Toolkit" in done.stderr


def checkpoints(site: Site) -> set[Path]:
    """Whole ones; training removes older ones meanwhile, so that no iterator over them may stay open."""
    root = site.path / "cut" / "checkpoints"
    folders = list(root.iterdir()) if root.is_dir() else []
    found = [path for folder in folders for path in folder.iterdir() if path.name.startswith("checkpoint-")]
    return {path for path in found if (path / "trainer_state.json").is_file()}


def start(site: Site, environment: dict[str, str] | None = None) -> subprocess.Popen[str]:
    """A run whose training goes on for minutes."""
    training = {"max_steps": 4000, "epochs": 4000, "early_stopping_patience": 1000}
    command = site.command("cut", LENIENT, *IN_DOCKER, training=training)
    environment = {**os.environ, **(environment or {})}
    return subprocess.Popen(command, cwd=site.path, stderr=subprocess.PIPE, text=True, env=environment)


def wait_until(happened: Callable[[], Any], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 300
    while not happened():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "it did not happen in five minutes"
        time.sleep(0.1)


def start_training(site: Site, environment: dict[str, str] | None = None) -> subprocess.Popen[str]:
    """The same, once it has a checkpoint."""
    process = start(site, environment)
    wait_until(lambda: checkpoints(site), process)
    return process


def test_an_interrupted_run_stops_its_container_and_can_be_continued(tmp_path: Path) -> None:
    site = make_site(tmp_path)
    process = start_training(site)
    assert len(containers_of(tmp_path / "cut")) == 1
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=120)
    assert process.returncode == 130
    assert containers_of(tmp_path / "cut") == []
    assert site.summary("cut")["status"] == "interrupted"
    assert not (tmp_path / "registry").exists()
    assert checkpoints(site)


def test_a_run_that_was_killed_leaves_a_container_which_the_next_one_removes(tmp_path: Path) -> None:
    site = make_site(tmp_path)
    process = start_training(site)
    process.kill()
    process.communicate()
    (left,) = containers_of(tmp_path / "cut")
    second = start(site)
    wait_until(lambda: {item.id for item in containers_of(tmp_path / "cut")} - {left.id}, second)
    (at_work,) = containers_of(tmp_path / "cut")
    assert at_work.labels["lab-lens.task"] == "train-model"
    second.send_signal(signal.SIGTERM)
    _, told = second.communicate(timeout=120)
    assert "prepare-data: reused" in told
    assert second.returncode == 130
    assert containers_of(tmp_path / "cut") == []


class Relay:
    """Stands between a client and the engine's socket, until it is cut: what a dying engine looks like."""

    def __init__(self, path: Path) -> None:
        self.address = f"unix://{path}"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._path, self._open = path, [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._path.unlink(missing_ok=True)
        for end in self._open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect("/var/run/docker.sock")
                self._open += [near, far]
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=self._copy, args=(source, target), daemon=True).start()

    @staticmethod
    def _copy(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


def test_an_engine_that_dies_in_the_middle_is_named_and_the_run_can_be_repeated(tmp_path: Path) -> None:
    site = make_site(tmp_path)
    # A socket's path is short.
    folder = Path(f"/tmp/lab-lens-relay-{os.getpid()}")
    folder.mkdir()
    relay = Relay(folder / "docker.sock")
    try:
        process = start_training(site, {"DOCKER_HOST": relay.address})
        relay.cut()
        _, told = process.communicate(timeout=120)
    finally:
        shutil.rmtree(folder)
        for container in containers_of(tmp_path / "cut"):
            container.remove(force=True)
    assert process.returncode == 1
    (error,) = [line for line in told.splitlines() if line.startswith("lab-lens: error:")]
    assert "the Docker engine stopped answering" in error
    assert "repeat the command" in error
    assert site.summary("cut")["status"] == "failed"
