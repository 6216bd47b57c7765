"""The Docker runner: every task a container of one of our images, with the traps of kfp.local's own runner cured.

kfp.local lets the engine remove a container as soon as it ends, and takes one that is gone before it was asked for its
exit status for a success. Here a container is removed after its status was read. It also runs as the caller, sees only
what its task's parameters name, has no network unless one is given, and is stopped when the run is.
"""

import codecs
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kfp import local
from kfp.local import docker_task_handler
from kfp.local.status import Status

from local_runner.cache import TaskCache
from local_runner.docker_engine import engine_error_types, in_words, security_options
from local_runner.execution import Display, Replacements
from local_runner.mounts import View, view_of
from local_runner.request import NO_NETWORK, DockerSettings
from local_runner.tasks import TaskCall, TaskRecord, common_environment, forward, log_path, record_of
from local_runner.template import TaskSpec

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

RUN_LABEL = "lab-lens.run"
_WAIT_SECONDS = 60


@dataclass
class DockerRun:
    """Runs tasks for kfp.local in containers and keeps their records.

    Attributes:
        client: the engine.
        tasks: the tasks of the compiled pipeline.
        image_ids: id of the image behind each reference; a container runs that very image.
        gpus: whether tasks that take a device get the machine's NVIDIA GPUs.
        cache: None where nothing may be taken from it.
    """

    run_dir: Path
    display: Display
    client: "DockerClient"
    tasks: Mapping[str, TaskSpec]
    image_ids: Mapping[str, str]
    settings: DockerSettings
    gpus: bool = False
    cache: TaskCache | None = None
    records: list[TaskRecord] = field(default_factory=list)
    _started: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def describe(self) -> dict[str, Any]:
        """What the run's summary says of this runner: the id of the image behind each reference."""
        return {"name": "docker", "images": dict(self.image_ids), "network": self.settings.network}

    def kfp_runner(self) -> Any:
        """The runner of kfp.local that stands behind this one."""
        return local.DockerRunner()

    def replacements(self) -> Replacements:
        """Functions of kfp.local that this runner replaces."""

        def run(handler: docker_task_handler.DockerTaskHandler) -> Status:
            return self._run(handler)

        return {(docker_task_handler.DockerTaskHandler, "run"): run}

    def remove_left_over(self) -> None:
        """Remove the containers of an earlier run in this directory, which was killed before it could."""
        for container in self.client.containers.list(all=True, filters={"label": f"{RUN_LABEL}={self.run_dir}"}):
            container.remove(force=True)

    def _run(self, handler: docker_task_handler.DockerTaskHandler) -> Status:
        call = TaskCall.parse(handler.full_command)
        with self._lock:
            self._started += 1
            log = log_path(self.run_dir, self._started, call.name)
        self.display.task_started(call.name)
        image = self.image_ids[handler.image]

        def run() -> TaskRecord:
            return self._in_container(call, image, log, handler.env_vars)

        record = self.cache.reused_or(call, image, run) if self.cache else run()
        self.records.append(record)
        self.display.task_ended(record)
        return Status.SUCCESS if record.succeeded else Status.FAILURE

    def _in_container(self, call: TaskCall, image: str, log: Path, environment: Mapping[str, str]) -> TaskRecord:
        started = time.monotonic()
        container = None
        try:
            container = self._start(call, image, environment)
            self._follow(container, call.name, log)
            exit_status, failure = self._ending(container, call.name)
        except engine_error_types() as error:
            log.touch()
            exit_status, failure = 1, self._engine_failure(error)
        finally:
            self._remove(container)
        return record_of(call, started, exit_status, log, failure)

    def _start(self, call: TaskCall, image: str, environment: Mapping[str, str]) -> "Container":
        spec, network = self.tasks[call.name], self.settings.network
        view = view_of(call.name, call.parameters, self.run_dir, network=network != NO_NETWORK)
        for path in [path for path, writable in view.writable.items() if writable]:
            # The engine would make it as root.
            path.mkdir(parents=True, exist_ok=True)
        guard = security_options(self.client)
        return self.client.containers.run(
            image,
            list(call.command),
            detach=True,
            init=True,
            labels={RUN_LABEL: str(self.run_dir), "lab-lens.task": call.name},
            volumes=view.volumes(relabel="name=selinux" in guard),
            environment={**self._environment(view), **environment},
            working_dir=str(self.run_dir),
            user=_user(rootless="name=rootless" in guard),
            network_mode=network,
            shm_size=self.settings.shm_size,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            read_only=True,
            tmpfs={"/tmp": ""},  # noqa: S108 - the container's own
            device_requests=self._gpus(call),
            **_limits(spec),
        )

    def _environment(self, view: View) -> dict[str, str]:
        scratch = self.run_dir / "tmp"
        # The caller has no home and often no name inside the image.
        person = {"HOME": str(scratch), "USER": "lab-lens", "LOGNAME": "lab-lens"}
        return {**common_environment(scratch), **person, **view.environment}

    def _gpus(self, call: TaskCall) -> list[Any]:
        from docker.types import DeviceRequest

        wanted = self.gpus and call.parameters.get("device") in {"auto", "cuda"}
        return [DeviceRequest(count=-1, capabilities=[["gpu"]])] if wanted else []

    def _follow(self, container: "Container", name: str, log: Path) -> None:
        with log.open("w", encoding="utf-8") as sink:
            for text in _lines(container.logs(stream=True, follow=True)):
                sink.write(text)
                sink.flush()
                forward(text, lambda words: self.display.task_line(name, words))

    def _ending(self, container: "Container", name: str) -> tuple[int, str]:
        """Exit status, and what ended the container from outside."""
        exit_status = int(container.wait(timeout=_WAIT_SECONDS)["StatusCode"])
        container.reload()
        if container.attrs["State"].get("OOMKilled"):
            limit = self.tasks[name].memory_bytes
            most = f"its limit of {limit / 2**30:.1f} GiB" if limit else "what this machine can give"
            return exit_status or 1, (
                f"out of memory: its container needed more than {most}; raise "
                f"resources.tasks.{_stem(name)}.memory_gib, or lower training.batch_size"
            )
        return exit_status, ""

    def _engine_failure(self, error: Exception) -> str:
        try:
            self.client.ping()
        except engine_error_types():
            return "the Docker engine stopped answering; start it again and repeat the command, which continues"
        return f"the Docker engine refused: {in_words(error)}"

    def _remove(self, container: "Container | None") -> None:
        if container is None:
            return
        try:
            container.remove(force=True)
        except engine_error_types():
            # The engine is gone or removes it already; the next run in this directory removes what is left.
            return


def _user(*, rootless: bool) -> str | None:
    """Run as the caller, whose files these are; in a rootless engine that is its root. None: as the image says."""
    if rootless:
        return "0:0"
    return f"{os.getuid()}:{os.getgid()}" if hasattr(os, "getuid") else None


def _limits(spec: TaskSpec) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    if spec.memory_bytes:
        # The same figure for both means: no swap on top of it.
        limits |= {"mem_limit": spec.memory_bytes, "memswap_limit": spec.memory_bytes}
    if spec.cpus:
        limits["nano_cpus"] = int(min(spec.cpus, os.cpu_count() or spec.cpus) * 1e9)
    return limits


def _stem(name: str) -> str:
    return name.rstrip("-0123456789").replace("-", "_")


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Whole lines of a log that comes in pieces."""
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    rest = ""
    for chunk in chunks:
        *lines, rest = (rest + decode(chunk)).split("\n")
        yield from (line + "\n" for line in lines)
    if rest:
        yield rest + "\n"
