"""The webhook channel: one signed POST of JSON."""

import hashlib
import hmac
import http.client
import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import lab_lens
from lab_lens.config_notifications import Webhook, is_loopback
from lab_lens.notifications.delivery import TryAgainError, UndeliverableError
from lab_lens.notifications.message import Notification
from lab_lens.notifications.secrets import checked_address, read_secret, trust

SIGNATURE = "X-Lab-Lens-Signature"
TIMESTAMP = "X-Lab-Lens-Timestamp"
NOTIFICATION_ID = "X-Lab-Lens-Notification"
_TOO_MANY_REQUESTS = 429
# In chats these open a mention of people or a link.
_CHAT_MARKS = str.maketrans({"<": "(", ">": ")", "@": "(at)"})


def prepare_webhook(channel: Webhook, notification: Notification) -> Callable[[], None]:
    """Read the secrets of a webhook; the result posts the notification once.

    Raises:
        UndeliverableError: a secret is missing, or the address may not be used.
    """
    address = checked_address(read_secret(channel.url_env, channel.url_file))
    key = read_secret(channel.secret_env, channel.secret_file)
    body = json.dumps(webhook_body(channel, notification), ensure_ascii=False).encode()
    opener = _opener(address, channel.ca_file)

    def send() -> None:
        request = urllib.request.Request(address, body, _headers(notification, body, key))  # noqa: S310 - checked above
        _post(opener, request, channel.timeout_seconds)

    return send


def webhook_body(channel: Webhook, notification: Notification) -> dict[str, Any]:
    """What a webhook gets; chats refuse fields that they do not know."""
    if channel.body == "full":
        return notification.to_json()
    text = notification.text.translate(_CHAT_MARKS)
    return {"text": text} if channel.body == "chat" else _teams_card(text)


def signature(key: str, timestamp: str, body: bytes) -> str:
    """What `X-Lab-Lens-Signature` must be: HMAC-SHA256 over timestamp, a full stop and the body."""
    return "sha256=" + hmac.new(key.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _teams_card(text: str) -> dict[str, Any]:
    lines = [{"type": "TextBlock", "text": line, "wrap": True} for line in text.splitlines()]
    card = {"type": "AdaptiveCard", "version": "1.4", "body": lines}
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return {"type": "message", "attachments": [attachment]}


def _headers(notification: Notification, body: bytes, key: str) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": f"lab-lens/{lab_lens.__version__}",
        NOTIFICATION_ID: notification.id,
    }
    if key:
        timestamp = str(int(time.time()))
        headers |= {TIMESTAMP: timestamp, SIGNATURE: signature(key, timestamp, body)}
    return headers


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect could carry the message to another host, or off TLS."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _opener(address: str, ca_file: str | None) -> urllib.request.OpenerDirector:
    # A proxy is asked for other machines only: on the proxy's side, loopback would be the proxy itself.
    proxies = urllib.request.ProxyHandler({} if is_loopback(urlsplit(address).hostname or "") else None)
    return urllib.request.build_opener(proxies, _NoRedirect, urllib.request.HTTPSHandler(context=trust(ca_file)))


def _post(opener: urllib.request.OpenerDirector, request: urllib.request.Request, timeout_seconds: float) -> None:
    try:
        opener.open(request, timeout=timeout_seconds).close()
    except urllib.error.HTTPError as error:
        with error:
            _refused(error.code, error.headers.get("Retry-After", ""))
    except urllib.error.URLError as error:
        _unreachable(error.reason, timeout_seconds)
    except (OSError, http.client.HTTPException) as error:
        _unreachable(error, timeout_seconds)


def _refused(status: int, retry_after: str) -> None:
    if status >= http.client.INTERNAL_SERVER_ERROR or status == _TOO_MANY_REQUESTS:
        raise TryAgainError(f"it answered {status}", float(retry_after) if retry_after.isdecimal() else None)
    if status < http.client.BAD_REQUEST:
        raise UndeliverableError(f"it answered {status}, and redirects are not followed: give the final address")
    raise UndeliverableError(f"it answered {status}: check its address, and whether it takes this `body`")


def _unreachable(reason: object, timeout_seconds: float) -> None:
    if isinstance(reason, ssl.SSLCertVerificationError):
        raise UndeliverableError(f"its certificate is not trusted: {reason.verify_message}; see ca_file") from reason
    if isinstance(reason, ssl.SSLError):
        raise UndeliverableError("it does not speak TLS as expected") from reason
    if isinstance(reason, TimeoutError):
        raise TryAgainError(f"no answer within {timeout_seconds:g} s") from reason
    raise TryAgainError(f"it cannot be reached ({reason.__class__.__name__})")
