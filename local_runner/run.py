"""A whole local run: choose the runner, check, compile, run, verify, report."""

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from containers.build import BuildRequest, build_images
from lab_lens import artifacts
from lab_lens.config import Config
from lab_lens.errors import LabLensError
from lab_lens.registry.open import is_elsewhere
from local_runner.cache import TaskCache
from local_runner.choice import RunnerName, choose_runner
from local_runner.docker import DockerRun
from local_runner.docker_engine import engine, find_images
from local_runner.execution import Display, Runner, check_branches, run_template
from local_runner.native import NativeRun
from local_runner.preflight import check_engine, check_request
from local_runner.request import RunRequest
from local_runner.summary import CONFIG_JSON, now, write_started, write_summary
from local_runner.template import task_specs
from pipelines.compile import CompileOptions, compile_pipeline
from pipelines.image_references import FAMILIES as PIPELINE_FAMILIES

_logger = logging.getLogger(__name__)


def run_pipeline(request: RunRequest, config: Config, display: Display) -> dict[str, Any]:
    """Run the compiled pipeline here and return the run's summary, whatever the verdict.

    `summary.json` and `report.html` are written also for a run that fails in the middle.

    Raises:
        InputError: something given cannot be used, found before the run or by a stage.
        StageError: a stage failed.
        ContractError: a stage or a branch was skipped in silence.
    """
    name = _choose(request)
    check_request(request, config, name)
    out = request.out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    started = now()
    write_started(request, started)
    config_json = config.to_json()
    artifacts.write_text(out / CONFIG_JSON, config_json)
    template = compile_pipeline(out / "pipeline.yaml", CompileOptions(images=request.docker.images, config=config))
    with _runner(name, request, template, display) as runner:
        return _run(request, request.pipeline_arguments(config_json), runner, template, started)


def _choose(request: RunRequest) -> RunnerName:
    if request.docker.build and request.runner != "native":
        build_images(BuildRequest(families=PIPELINE_FAMILIES))
    if request.runner != "auto":
        return request.runner
    name, reason = choose_runner(request.device, request.docker.references())
    _logger.info("runner: %s (auto: %s)", name, reason)
    return name


@contextmanager
def _runner(name: RunnerName, request: RunRequest, template: Path, display: Display) -> Iterator[Runner]:
    run_dir, tasks = request.out.absolute(), task_specs(template)
    cache = TaskCache(run_dir / "cache") if request.reuse else None
    if name == "native":
        if any(spec.memory_bytes or spec.cpus for spec in tasks.values()):
            _logger.info("limits of resources hold in containers; native tasks take what this machine has")
        yield NativeRun(run_dir, display, cache=cache)
        return
    gpus = check_engine(request.device)
    with engine() as client, _present(request.registry):
        images = find_images(client, [spec.image for spec in tasks.values()])
        run = DockerRun(run_dir, display, client, tasks, images, request.docker, gpus=gpus, cache=cache)
        run.remove_left_over()
        yield run


@contextmanager
def _present(registry: str) -> Iterator[None]:
    """A registry's directory that containers can be shown; it is removed again when nothing was put there."""
    if is_elsewhere(registry):
        yield
        return
    directory = Path(registry).absolute()
    directory.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        if not any(directory.iterdir()):
            directory.rmdir()


def _run(
    request: RunRequest, arguments: dict[str, str], runner: Runner, template: Path, started: str
) -> dict[str, Any]:
    try:
        with _termination_as_interruption():
            run_template(template, arguments, runner)
        _raise_failure(runner)
        check_branches(runner.records)
    except LabLensError as error:
        write_summary(request, runner, started, error, "failed")
        raise
    except KeyboardInterrupt:
        write_summary(request, runner, started, None, "interrupted")
        raise
    return write_summary(request, runner, started, None, "succeeded")


@contextmanager
def _termination_as_interruption() -> Iterator[None]:
    """A service manager ends a run by SIGTERM; its tasks must end with it, as they do on Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


def _raise_failure(runner: Runner) -> None:
    failed = next((record for record in runner.records if not record.succeeded), None)
    if failed is not None:
        raise failed.error()
