"""A whole local run: check, compile, run, verify, report."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lab_lens import artifacts
from lab_lens.config import Config
from lab_lens.errors import LabLensError
from local_runner.native import Display, NativeRun, check_branches, run_native
from local_runner.preflight import check_request
from local_runner.request import RunRequest
from local_runner.summary import now, write_started, write_summary
from pipelines.compile import compile_pipeline


def run_pipeline(request: RunRequest, config: Config, display: Display) -> dict[str, Any]:
    """Run the compiled pipeline natively and return the run's summary, whatever the verdict.

    `summary.json` and `report.html` are written also for a run that fails in the middle.

    Raises:
        InputError: something given cannot be used, found before the run or by a stage.
        StageError: a stage failed.
        ContractError: a stage or a branch was skipped in silence.
    """
    check_request(request, config)
    out = request.out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    started = now()
    write_started(request, started)
    config_json = config.to_json()
    artifacts.write_text(out / "config.json", config_json)
    template = compile_pipeline(out / "pipeline.yaml")
    run = NativeRun(out, display)
    try:
        with _termination_as_interruption():
            run_native(template, request.pipeline_arguments(config_json), run)
        _raise_failure(run)
        check_branches(run.records)
    except LabLensError as error:
        write_summary(request, run.records, started, error, "failed")
        raise
    except KeyboardInterrupt:
        write_summary(request, run.records, started, None, "interrupted")
        raise
    return write_summary(request, run.records, started, None, "succeeded")


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


def _raise_failure(run: NativeRun) -> None:
    failed = next((record for record in run.records if not record.succeeded), None)
    if failed is not None:
        raise failed.error()
