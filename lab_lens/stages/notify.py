"""The exit handler: tell how a pipeline run ended, whatever happened in it."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from lab_lens import artifacts
from lab_lens.config import Config
from lab_lens.errors import InputError
from lab_lens.notifications.delivery import Delivery
from lab_lens.notifications.message import Notification
from lab_lens.notifications.notifier import require_delivered, send_to_all
from lab_lens.notifications.outcome import RunEnd, notification_of
from lab_lens.registry.base import HistoryEntry
from lab_lens.registry.open import open_registry
from lab_lens.tracking import TrackingTarget, finish_run

_logger = logging.getLogger(__name__)
NOTIFICATION_JSON = "notification.json"


@dataclass(frozen=True)
class Notified:
    """What was told, what became of it on each channel, and the path of `notification.json`."""

    notification: Notification
    deliveries: Sequence[Delivery]
    path: Path


def run_notify(
    end: RunEnd,
    config: Config,
    *,
    registry: str | Path | None,
    notification_dir: Path,
    tracking: TrackingTarget | None = None,
) -> Notified:
    """Tell every channel how the run ended, write `notification.json`, and close the MLflow run.

    Args:
        end: how the pipeline system says that it ended; nothing but names is taken from its error message.
        config: for its channels.
        registry: location of the model registry, whose history says what this run did; None: that is not told.
        notification_dir: receives `notification.json`: the payload and what became of it on each channel.
        tracking: the MLflow run to close.

    Raises:
        UndeliveredError: a channel that is `required` did not deliver; everything else was done before.
        InputError: the MLflow store cannot be used.
    """
    history, production = _known_to(registry)
    notification = notification_of(end, history, production, config.notifications.link)
    deliveries = send_to_all(notification, config.notifications)
    path = write_notification(notification, deliveries, notification_dir)
    if tracking is not None:
        finish_run(tracking, "finished" if end.state == "SUCCEEDED" else "failed")
    artifacts.require_written([path])
    require_delivered(deliveries)
    return Notified(notification, deliveries, path)


def write_notification(notification: Notification, deliveries: Sequence[Delivery], directory: Path) -> Path:
    """Write `notification.json`: every field of the payload, and `deliveries`."""
    told = {**notification.to_json(), "deliveries": [asdict(delivery) for delivery in deliveries]}
    return artifacts.write_json(directory / NOTIFICATION_JSON, told)


def _known_to(registry: str | Path | None) -> tuple[list[HistoryEntry], str | None]:
    if registry is None:
        return [], None
    try:
        found = open_registry(registry)
        return found.history(), found.production()
    except (InputError, OSError) as error:
        # The run may have failed because of this very registry; that it failed must be told all the same.
        _logger.warning("the notification says nothing of production: %s", error)
        return [], None
