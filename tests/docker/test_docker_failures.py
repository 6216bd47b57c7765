"""What can go wrong with containers: named in one line, nothing left behind, and the run can be repeated."""

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import docker
import pytest
from docker_site import IN_DOCKER, containers_of
from run_site import LENIENT, Site, make_site

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("docker"), pytest.mark.usefixtures("images")]


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
