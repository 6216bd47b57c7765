"""The notifier: one notification to every channel that wants it; a broken channel never stops another."""

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from lab_lens.config_notifications import Channel, Notifications
from lab_lens.errors import InputError, LabLensError
from lab_lens.notifications.delivery import Delivery, Task, deliver
from lab_lens.notifications.local import prepare_file, prepare_log
from lab_lens.notifications.mail import prepare_email
from lab_lens.notifications.message import Notification
from lab_lens.notifications.webhook import prepare_webhook

_MAX_CHANNELS_AT_ONCE = 8
_logger = logging.getLogger(__name__)


class UndeliveredError(LabLensError):
    """A channel that the configuration requires did not deliver."""


def send_to_all(notification: Notification, channels: Notifications, *, whatever_event: bool = False) -> list[Delivery]:
    """Send a notification to every channel that wants one of its events, all at once; never raises for a channel.

    Args:
        notification: what to tell.
        channels: of the configuration.
        whatever_event: send also to channels that do not want these events, to try them.

    Returns:
        What became of it on each channel, in the order of the configuration. Each failure is logged as a warning.
    """
    wanted = [
        task for channel, task in _tasks(channels, notification) if whatever_event or _wants(channel, notification)
    ]
    if not wanted:
        return []
    with ThreadPoolExecutor(min(len(wanted), _MAX_CHANNELS_AT_ONCE)) as pool:
        deliveries = list(pool.map(deliver, wanted))
    for problem in undelivered(deliveries):
        _logger.warning("%s", problem)
    return deliveries


def undelivered(deliveries: Sequence[Delivery]) -> list[str]:
    """A sentence for each channel that did not deliver."""
    return [
        f"notification was NOT delivered: channel {item.channel} ({item.kind}): {item.reason}"
        + (f", after {item.attempts} attempts" if item.attempts > 1 else "")
        for item in deliveries
        if not item.delivered
    ]


def require_delivered(deliveries: Sequence[Delivery]) -> None:
    """Check the channels that the configuration requires.

    Raises:
        UndeliveredError: naming each that did not deliver.
    """
    if problems := undelivered([item for item in deliveries if item.required]):
        raise UndeliveredError("; ".join(problems))


def require_all_delivered(deliveries: Sequence[Delivery]) -> None:
    """Check every channel that was tried.

    Raises:
        InputError: a line for each that did not deliver.
    """
    if problems := undelivered(deliveries):
        raise InputError(problems)


def _wants(channel: Channel, notification: Notification) -> bool:
    return bool(set(channel.events) & set(notification.events))


def _tasks(channels: Notifications, notification: Notification) -> Iterator[tuple[Channel, Task]]:
    log = channels.log
    yield log, Task("log", "log", log.required, 0, partial(prepare_log, log, notification))
    for file in channels.files:
        yield file, Task(file.name, "file", file.required, 0, partial(prepare_file, file, notification))
    for hook in channels.webhooks:
        prepare = partial(prepare_webhook, hook, notification)
        yield hook, Task(hook.name, "webhook", hook.required, hook.retries, prepare)
    for mail in channels.emails:
        yield mail, Task(mail.name, "email", mail.required, mail.retries, partial(prepare_email, mail, notification))
