"""The docker command line that builds images: which one, whether it has BuildKit, and its refusals in one line."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab_lens.errors import InputError

# How BuildKit says that a step failed.
_BUILDERS_OWN = "executor failed running"
_MOST_CHARS = 300
_TAIL_LINES = 15
_ENGINE_GONE = ("cannot connect to the docker daemon", "error during connect", "code = unavailable")
_LOG_IN = "log in to the registry (docker login, or gcloud auth configure-docker HOST) as somebody who may use it"
# What docker says, in small letters, and what helps.
_CURES = {
    "no space left on device": "the disk is full: free space where Docker keeps its data (docker system df, "
    "docker builder prune, docker system prune)",
    "unauthorized": _LOG_IN,
    "access denied": _LOG_IN,
    "denied: requested": _LOG_IN,
    "denied: permission": _LOG_IN,
    "no such host": "the registry's name is unknown here: check it, and the network",
}


@dataclass(frozen=True)
class DockerCli:
    """A docker command that reaches an engine.

    Args:
        program: its path.
        buildkit: whether it builds with BuildKit; the classic builder does the same, one step after another.
        passed_over: docker commands earlier in PATH that have no BuildKit.
    """

    program: str
    buildkit: bool
    passed_over: tuple[str, ...] = ()

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run it and keep what it says."""
        return subprocess.run([self.program, *arguments], capture_output=True, text=True, check=False)  # noqa: S603

    def ask(self, *arguments: str) -> str:
        """Its answer.

        Raises:
            InputError: it refuses; the message says how to go on where the cause is known.
        """
        done = self.run(*arguments)
        if done.returncode:
            raise InputError(f"docker {arguments[0]} {arguments[-1]} failed: {explain(done.stderr)}")
        return done.stdout

    def build(self, arguments: Sequence[str], log: Path) -> None:
        """Build an image.

        Args:
            arguments: of `docker build`.
            log: receives everything that the build says.

        Raises:
            InputError: the build failed, with its last lines.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        progress = ["--progress=plain"] if self.buildkit else []
        with log.open("w", encoding="utf-8") as output:
            done = subprocess.run(  # noqa: S603 - the docker that was found in PATH, no shell
                [self.program, "build", *progress, *arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_environment(buildkit=self.buildkit),
                check=False,
            )
        if done.returncode:
            said = log.read_text(encoding="utf-8", errors="replace")
            raise InputError(f"docker build failed: {explain(said)} ({log})")

    def push(self, reference: str) -> str:
        """Push an image; gives its reference by digest.

        Raises:
            InputError: the registry refuses, or cannot be reached.
        """
        self.ask("push", "--quiet", reference)
        repository = reference.rpartition(":")[0]
        (image,) = json.loads(self.ask("image", "inspect", reference))
        digests = [str(name) for name in image["RepoDigests"] if name.startswith(f"{repository}@")]
        if not digests:
            raise InputError(f"docker pushed {reference} and knows no digest of it; docker pull shows it")
        return digests[-1]


def find_docker(path: str) -> DockerCli:
    """The first docker command in a search path that has BuildKit; else the first one, with the classic builder.

    Args:
        path: directories as in PATH.

    Raises:
        InputError: there is none, or its engine does not answer.
    """
    programs = _programs(path)
    if not programs:
        raise InputError(
            "there is no docker command in PATH: install Docker Engine or Docker Desktop (https://docs.docker.com/get-docker/)"
        )
    _check_engine(programs[0])
    capable = next((program for program in programs if _has_buildkit(program)), None)
    if capable is None:
        return DockerCli(programs[0], buildkit=False, passed_over=tuple(programs))
    return DockerCli(capable, buildkit=True, passed_over=tuple(programs[: programs.index(capable)]))


def _programs(path: str) -> list[str]:
    found = [shutil.which("docker", path=directory) for directory in path.split(os.pathsep) if directory]
    return list(dict.fromkeys(program for program in found if program))


def _check_engine(program: str) -> None:
    command = [program, "version", "--format", "{{.Server.Version}}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise InputError(
            f"the Docker engine does not answer ({_last_line(done.stderr)}): start Docker (Docker Desktop, or "
            "`systemctl start docker`) and make sure that your user may use it; DOCKER_HOST names another engine"
        )


def _has_buildkit(program: str) -> bool:
    # A newer command without its buildx plug-in refuses even to show this help; an older one has BuildKit built in.
    command = [program, "build", "--help"]
    done = subprocess.run(  # noqa: S603
        command, env=_environment(buildkit=True), capture_output=True, text=True, check=False
    )
    return done.returncode == 0 and "--progress" in done.stdout


def _environment(*, buildkit: bool) -> dict[str, str]:
    return {**os.environ, "DOCKER_BUILDKIT": "1" if buildkit else "0"}


def explain(output: str) -> str:
    """Why docker failed: the cure where the cause is known, else the last lines of what it said, in one line."""
    tail = [line.strip() for line in output.splitlines() if line.strip()][-_TAIL_LINES:]
    if any(words in line.lower() for line in tail for words in _ENGINE_GONE):
        return "the Docker engine stopped answering; start it and try again, what was built is kept"
    for words, cure in _CURES.items():
        said = [line for line in tail if words in line.lower()]
        if said:
            return f"{said[-1]}: {cure}"
    return _telling(tail) or "it gave no reason"


def _telling(lines: Sequence[str]) -> str:
    """The last line that speaks of an error; a builder's own, which repeats the command, only where it is alone."""
    errors = [line for line in lines if "error" in line.lower()]
    chosen = [line for line in errors if _BUILDERS_OWN not in line] or errors or lines
    return chosen[-1][:_MOST_CHARS] if chosen else ""


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"
