"""`lab-lens notify`."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lab_lens.cli.arguments import Subparsers, add_command, add_config
from lab_lens.cli.console import say, say_table
from lab_lens.errors import EXIT_DONE, InputError

if TYPE_CHECKING:
    from lab_lens.config import Config
    from lab_lens.notifications.delivery import Delivery
    from lab_lens.notifications.message import Notification

_STATES = ("SUCCEEDED", "FAILED", "CANCELLED")
_VERDICTS = ("promote", "hold", "rollback", "unhealthy")


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command."""
    parser = add_command(
        subparsers,
        "notify",
        run,
        summary="Tell the configured channels how a run ended; for what runs outside the pipeline, such as CI.",
        example="lab-lens notify --config configs/demo.json --run-name nightly --state SUCCEEDED --verdict hold",
    )
    parser.add_argument("--run-name", default="", metavar="NAME", help="the run; default: the summary's")
    parser.add_argument("--state", choices=_STATES, help="how it ended; default: the summary's")
    parser.add_argument("--verdict", choices=_VERDICTS, default="", help="the release gate's, or unhealthy; if known")
    parser.add_argument("--version", metavar="VERSION", help="the version that it is about, if any")
    parser.add_argument("--link", metavar="URL", help="page of the run; default: the configuration's")
    parser.add_argument("--summary", type=Path, metavar="FILE", help="summary.json of a run, instead of the above")
    parser.add_argument("--out", type=Path, metavar="DIR", help="receives notification.json; default: none is written")
    parser.add_argument(
        "--test", action="store_true", help="send a test to every channel; exit with status 2 unless all take it"
    )
    add_config(parser)


def run(arguments: argparse.Namespace) -> int:
    """Notify."""
    from lab_lens.config import load_config
    from lab_lens.notifications.notifier import require_all_delivered, require_delivered, send_to_all

    config = load_config(arguments.config)
    notification = _notification(arguments, config)
    deliveries = send_to_all(notification, config.notifications, whatever_event=arguments.test)
    if arguments.out is not None:
        from lab_lens.stages.notify import write_notification

        write_notification(notification, deliveries, arguments.out)
    _show(deliveries)
    if arguments.test:
        require_all_delivered(deliveries)
    require_delivered(deliveries)
    return EXIT_DONE


def _notification(arguments: argparse.Namespace, config: "Config") -> "Notification":
    from lab_lens.notifications.outcome import RunEnd, filled_link, notification_by_hand, notification_of_summary

    template = arguments.link or config.notifications.link
    end = RunEnd(arguments.state or "SUCCEEDED", arguments.run_name or ("test" if arguments.test else ""))
    link = filled_link(template, end) if template else None
    if arguments.summary is not None:
        _refuse_both(arguments)
        told = notification_of_summary(arguments.summary, None)
        named = replace(end, run_name=arguments.run_name or told.run_name)
        return replace(told, run_name=named.run_name, link=filled_link(template, named) if template else None)
    if arguments.state is None and not arguments.test:
        raise InputError(
            "give --state SUCCEEDED, FAILED or CANCELLED, or --summary FILE, or --test to try the channels"
        )
    return notification_by_hand(end, arguments.verdict, arguments.version, link)


def _refuse_both(arguments: argparse.Namespace) -> None:
    given = {"--state": arguments.state, "--verdict": arguments.verdict, "--version": arguments.version}
    if twice := [name for name, value in given.items() if value]:
        raise InputError(f"--summary tells the state, the verdict and the version; leave out {', '.join(twice)}")


def _show(deliveries: "list[Delivery]") -> None:
    if not deliveries:
        say("no channel wants this event")
        return
    rows = [
        (item.channel, item.kind, "delivered" if item.delivered else "NOT delivered", str(item.attempts))
        for item in deliveries
    ]
    say_table(("channel", "kind", "result", "attempts"), rows)
