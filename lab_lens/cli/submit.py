"""`lab-lens submit`: the compiled pipeline on Vertex AI, or on a Kubeflow cluster."""

import argparse
import re
from typing import TYPE_CHECKING

from lab_lens.cli.arguments import (
    Subparsers,
    actor,
    add_actor,
    add_base_model,
    add_command,
    add_config,
    add_device,
    stamp,
)
from lab_lens.cli.checkout import need_checkout
from lab_lens.cli.console import MESSAGES, say
from lab_lens.cli.image_arguments import add_images, images_of
from lab_lens.cli.remote import add_service, place_problems, say_run, say_task, service, token, where
from lab_lens.errors import EXIT_DONE, EXIT_INTERRUPTED, GateRefusedError, InputError, LabLensError

if TYPE_CHECKING:
    from lab_lens.config import Config
    from pipelines.submission.kubeflow_settings import KubeflowSettings
    from pipelines.submission.prepare import SubmitRequest
    from pipelines.submission.runs import RunService, RunView
    from pipelines.submission.vertex_settings import VertexSettings

_MOST_POLL_SECONDS = 3600.0
_RUN_NAME = re.compile(r"[\w.-][\w. -]{0,99}")


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command."""
    parser = add_command(
        subparsers,
        "submit",
        run,
        summary="Run the pipeline on Vertex AI Pipelines or on a Kubeflow cluster, now or on a schedule.",
        example=(
            "lab-lens submit --project my-project --region us-central1 --staging-bucket gs://my-bucket/lab-lens "
            "--data gs://my-bucket/notes.csv --images us-central1-docker.pkg.dev/my-project/lab-lens --tag v1 --wait"
        ),
    )
    _add_pipeline(parser)
    _add_parameters(parser)
    _add_waiting(parser)
    add_service(parser)
    _add_identity(parser)


def _add_pipeline(parser: argparse.ArgumentParser) -> None:
    words = "a compiled pipeline, or its address in Artifact Registry; default: it is compiled for this run"
    parser.add_argument("--template", default="", metavar="FILE|URI", help=words)
    add_images(parser)
    parser.add_argument("--no-cache", action="store_true", help="take over nothing from earlier runs")
    words = (
        "start it at these times: minute hour day month weekday, such as '0 3 * * 1' or 'TZ=Europe/Berlin 0 3 * * 1'"
    )
    parser.add_argument("--schedule", default="", metavar="CRON", help=words)


def _add_parameters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", default="", metavar="URI", help="gs:// URI of the notes, or `synthetic`; required")
    words = "the model registry (gs:// or vertex://); default on Vertex AI: model_registry in the staging bucket"
    parser.add_argument("--registry", default="", metavar="URI", help=words)
    words = "where an interrupted training continues from (gs://); default on Vertex AI: in the staging bucket"
    parser.add_argument("--checkpoints", default="", metavar="URI", help=words)
    parser.add_argument("--model-dir", default="", metavar="URI", help="a trained model; training is skipped")
    words = "keep the champion's summaries here (gs://) for the next candidate; they are text made from notes"
    parser.add_argument("--champion-cache", default="", metavar="URI", help=words)
    parser.add_argument("--force-reason", default="", metavar="TEXT", help="promote whatever the rules say; recorded")
    parser.add_argument("--tracking-uri", default="", metavar="URI", help="address of an MLflow server; default: none")
    parser.add_argument(
        "--run-name", default="", metavar="NAME", help="default: lab-lens and the time; its id has the time too"
    )
    add_config(parser)
    add_base_model(parser)
    add_device(parser)
    add_actor(parser)


def _add_waiting(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--wait", action="store_true", help="until the run has ended; shows tasks as they change")
    words = "with --wait: exit with status 1 when the run has not ended by then; it goes on"
    parser.add_argument("--timeout-minutes", type=float, metavar="N", help=words)
    words = "with --wait: between two looks at the run; default: 15"
    parser.add_argument("--poll-seconds", type=float, default=15.0, metavar="N", help=words)
    words = "with --wait: exit with status 3 unless the verdict is promote"
    parser.add_argument("--fail-on-hold", action="store_true", help=words)


def _add_identity(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("where and as whom tasks run")
    words = "Vertex AI: below it each run gets a folder for what its tasks write"
    group.add_argument("--staging-bucket", default="", metavar="gs://BUCKET", help=words)
    group.add_argument("--service-account", default="", metavar="ACCOUNT", help="default: the service's own")
    words = "Vertex AI: projects/NUMBER/global/networks/NAME, a peered VPC network"
    group.add_argument("--network", default="", metavar="NAME", help=words)
    words = "Vertex AI: projects/P/locations/R/keyRings/RING/cryptoKeys/KEY, for what the run writes"
    group.add_argument("--kms-key", default="", metavar="NAME", help=words)
    group.add_argument("--labels", default="", metavar="K=V,...", help="Vertex AI: labels of the run")
    group.add_argument("--experiment", default="", metavar="NAME", help="Kubeflow; default: lab-lens")


def run(arguments: argparse.Namespace) -> int:
    """Check, submit, and wait if asked to."""
    with need_checkout():
        from pipelines.submission.prepare import prepare, run_id

    identity = run_id(arguments.run_name or "lab-lens", stamp())
    request = _request(arguments, arguments.run_name or identity)
    submission = prepare(request)
    with service(request.settings) as remote:
        note = remote.staging_note()
        if note:
            MESSAGES.print(note)
        if request.cron:
            made = remote.schedule(submission, request.cron)
            say(f"schedule: {made.run}\nname: {made.name}\nlink: {made.link}")
            say(f"end it: lab-lens cancel {made.run} --schedule {where(arguments)}")
            return EXIT_DONE
        try:
            started = remote.submit(submission, identity)
        except KeyboardInterrupt:
            MESSAGES.print(f"interrupted; {identity} may have been started: look before you submit again")
            return EXIT_INTERRUPTED
        say(f"run: {started.run}\nname: {started.name}\nlink: {started.link}")
        say(f"look: lab-lens status {started.run} {where(arguments)}")
        return _wait(remote, started.run, arguments) if arguments.wait else EXIT_DONE


def _wait(remote: "RunService", run_id: str, arguments: argparse.Namespace) -> int:
    """Wait for the end, show it, and turn it into an exit status."""
    from pipelines.submission.runs import PROMOTE, require_success

    try:
        view = _watched(remote, run_id, arguments)
    except KeyboardInterrupt:
        MESSAGES.print(f"interrupted; {run_id} goes on. End it: lab-lens cancel {run_id} {where(arguments)}")
        return EXIT_INTERRUPTED
    say_run(view)
    require_success(view)
    if arguments.fail_on_hold and view.verdict != PROMOTE:
        raise GateRefusedError(f"the verdict is {view.verdict or 'not decided'}; {view.link} shows why")
    return EXIT_DONE


def _watched(remote: "RunService", run_id: str, arguments: argparse.Namespace) -> "RunView":
    """The run when it has ended.

    Raises:
        RemoteRunError: it has not ended in time, or the service failed for long.
        InputError: the service is out of reach for long, or a login has run out; neither ends the run.
    """
    from pipelines.submission.runs import RemoteRunError, watch

    minutes = arguments.timeout_minutes
    seconds = None if minutes is None else minutes * 60
    goes_on = f"{run_id} goes on: lab-lens status {run_id} {where(arguments)}"
    try:
        view: RunView = watch(
            remote, run_id, show=say_task, poll_seconds=arguments.poll_seconds, timeout_seconds=seconds
        )
    except InputError as error:
        raise InputError([*error.problems, goes_on]) from error
    except LabLensError as error:
        raise RemoteRunError(f"{error}; {goes_on}") from error
    return view


def _request(arguments: argparse.Namespace, run_name: str) -> "SubmitRequest":
    """What the arguments ask for.

    Raises:
        InputError: arguments that are lacking, wrong or contradict each other, all of them.
    """
    from lab_lens.config import load_config

    with need_checkout():
        from pipelines.compile import CompileOptions
        from pipelines.submission.prepare import SubmitRequest, collected

    problems = [*place_problems(arguments), *_argument_problems(arguments)]
    config = collected(lambda: load_config(arguments.config), problems)
    images = collected(lambda: images_of(arguments), problems)
    secret = collected(lambda: token(arguments), problems)
    if problems or config is None or images is None or secret is None:
        raise InputError(problems)
    return SubmitRequest(
        settings=_settings(arguments, secret),
        parameters=_parameters(arguments, config, run_name),
        template=arguments.template,
        options=CompileOptions(images=images, config=config, target="kubeflow" if arguments.kubeflow else "vertex"),
        cron=arguments.schedule,
        use_cache=not arguments.no_cache,
        token="" if arguments.kubeflow else secret,
    )


def _argument_problems(arguments: argparse.Namespace) -> list[str]:
    """What does not go together, whatever the values are."""
    waiting = arguments.wait
    poll, minutes = arguments.poll_seconds, arguments.timeout_minutes
    named = bool(arguments.images or arguments.tag or arguments.digests)
    found = [
        (not arguments.data, "--data is needed: gs://BUCKET/notes.csv, or `synthetic`"),
        (not arguments.kubeflow and not arguments.staging_bucket, "--staging-bucket gs://BUCKET is needed"),
        (
            bool(arguments.kubeflow) and not arguments.registry,
            "--registry is needed: gs://BUCKET/PREFIX, or a path that tasks share",
        ),
        (bool(arguments.kubeflow) and not arguments.checkpoints, "--checkpoints is needed: a path that tasks share"),
        (bool(arguments.template) and named, "--template is compiled already: leave out --images, --tag and --digests"),
        (
            arguments.fail_on_hold and not waiting,
            "--fail-on-hold needs --wait: only a run that has ended has a verdict",
        ),
        (minutes is not None and not waiting, "--timeout-minutes needs --wait"),
        (waiting and bool(arguments.schedule), "--wait is for one run: leave it out with --schedule"),
        (minutes is not None and not minutes > 0, f"--timeout-minutes {minutes} must be above 0"),
        (
            not _RUN_NAME.fullmatch(arguments.run_name or "-"),
            "--run-name: up to 100 letters, digits, '.', '_', '-', ' '",
        ),
        (not 0 < poll <= _MOST_POLL_SECONDS, f"--poll-seconds {poll:g} must be above 0 and at most 3600"),
    ]
    return [problem for wrong, problem in found if wrong] + _label_problems(arguments.labels)


def _label_problems(text: str) -> list[str]:
    wrong = [item for item in text.split(",") if text and "=" not in item]
    return [f"--labels: {item!r} is no label; give KEY=VALUE, with commas between them" for item in wrong]


def _labels(text: str) -> dict[str, str]:
    pairs = (item.split("=", 1) for item in text.split(",") if item)
    return {key.strip(): value.strip() for key, value in pairs}


def _settings(arguments: argparse.Namespace, secret: str) -> "VertexSettings | KubeflowSettings":
    from pipelines.submission.kubeflow_settings import KubeflowSettings
    from pipelines.submission.vertex_settings import VertexSettings

    if arguments.kubeflow:
        return KubeflowSettings(
            host=arguments.kubeflow,
            experiment=arguments.experiment or "lab-lens",
            namespace=arguments.namespace,
            token=secret,
            service_account=arguments.service_account,
        )
    return VertexSettings(
        project=arguments.project,
        region=arguments.region,
        staging_bucket=arguments.staging_bucket.rstrip("/"),
        service_account=arguments.service_account,
        network=arguments.network,
        kms_key=arguments.kms_key,
        labels=_labels(arguments.labels),
        endpoint=arguments.api_endpoint.rstrip("/"),
    )


def _parameters(arguments: argparse.Namespace, config: "Config", run_name: str) -> dict[str, str]:
    """Parameters of the pipeline; on Vertex AI registry and checkpoints lie in the staging bucket by default."""
    from pipelines.submission.parameters import RunParameters

    staging = arguments.staging_bucket.rstrip("/")
    parameters: dict[str, str] = RunParameters(
        data=arguments.data,
        config=config.to_json(),
        registry=arguments.registry or f"{staging}/model_registry",
        checkpoints=arguments.checkpoints or f"{staging}/checkpoints/{run_name}",
        base_model=arguments.base_model,
        trained_model=arguments.model_dir,
        device=arguments.device,
        actor=actor(arguments),
        champion_cache=arguments.champion_cache,
        force_reason=arguments.force_reason,
        tracking_uri=arguments.tracking_uri,
        run_name=run_name,
    ).values()
    return parameters
