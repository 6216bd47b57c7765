"""What a task costs besides its work: as a process of this machine, and as a container, in one run.

Needs a Docker engine and `make images`. `python benchmarks/task_overhead.py [REPEATS]` prints medians and their ratio.
"""

import statistics
import sys
import tempfile
from pathlib import Path

from kfp import compiler, dsl

from components.images import TRAINER
from local_runner.docker import DockerRun
from local_runner.docker_engine import engine, find_images
from local_runner.execution import Runner, run_template
from local_runner.native import NativeRun
from local_runner.request import DockerSettings
from local_runner.tasks import TaskRecord
from local_runner.template import task_specs


@dsl.component(base_image=TRAINER, install_kfp_package=False)
def nothing() -> str:
    """Do nothing."""
    return "done"


@dsl.component(base_image=TRAINER, install_kfp_package=False)
def imports() -> str:
    """Import what a training task imports."""
    import lab_lens.stages.train_model  # noqa: F401

    return "done"


@dsl.pipeline(name="overhead")
def overhead() -> None:
    """Both, one after the other."""
    imports().after(nothing())


class Silence:
    """Shows nothing."""

    def task_started(self, name: str) -> None: ...  # noqa: D102
    def task_line(self, name: str, text: str) -> None: ...  # noqa: D102
    def task_ended(self, record: TaskRecord) -> None: ...  # noqa: D102


def seconds_of(runner: Runner, template: Path) -> dict[str, float]:
    """Seconds of each task of one run."""
    run_template(template, {}, runner)
    assert all(record.succeeded for record in runner.records), [record.error() for record in runner.records]
    return {record.name: record.seconds for record in runner.records}


def main() -> None:
    """Measure in pairs, so that whatever else the machine does falls on both."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    measured: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, engine() as client:
        template = Path(folder) / "overhead.yaml"
        compiler.Compiler().compile(overhead, str(template))
        tasks = task_specs(template)
        images = find_images(client, [TRAINER])
        for index in range(repeats):
            run_dir = Path(folder) / str(index)
            run_dir.mkdir()
            runners = {
                "native": NativeRun(run_dir, Silence()),
                "docker": DockerRun(run_dir, Silence(), client, tasks, images, DockerSettings()),
            }
            for name, runner in runners.items():
                for task, seconds in seconds_of(runner, template).items():
                    measured.setdefault((task, name), []).append(seconds)
    for task in ("nothing", "imports"):
        native, docker = (statistics.median(measured[task, name]) for name in ("native", "docker"))
        ratio = f"{docker - native:+.2f} s, {docker / native:.1f} times"
        print(f"{task}: native {native:.2f} s, docker {docker:.2f} s ({ratio})")


if __name__ == "__main__":
    main()
