import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from loopback.certificates import Certificate, self_signed
from loopback.webhook import Answer, WebhookServer

from lab_lens.config_notifications import Notifications, Webhook
from lab_lens.notifications.delivery import Delivery
from lab_lens.notifications.message import Notification
from lab_lens.notifications.notifier import send_to_all
from lab_lens.notifications.webhook import signature

Send = Callable[..., Delivery]


@pytest.fixture
def send(notification: Notification, monkeypatch: pytest.MonkeyPatch) -> Send:
    """Sends a notification to one webhook whose address stands in the variable HOOK."""

    def call(url: str, told: Notification = notification, **settings: Any) -> Delivery:
        monkeypatch.setenv("HOOK", url)
        webhook = Webhook(url_env="HOOK", **settings)
        _, delivery = send_to_all(told, Notifications(webhooks=(webhook,)))
        return delivery

    return call


def test_every_field_is_posted_and_the_same_in_words(send: Send, notification: Notification) -> None:
    with WebhookServer() as server:
        delivery = send(f"{server.url}/services/T0/secret")
    assert (delivery.delivered, delivery.attempts, delivery.reason) == (True, 1, "")
    (request,), (payload,) = server.requests, server.payloads
    assert (request.method, request.path) == ("POST", "/services/T0/secret")
    assert request.headers["Content-Type"].startswith("application/json")
    assert payload == json.loads(json.dumps(notification.to_json()))
    assert payload["schema_version"] == 1
    assert payload["text"].splitlines() == [
        "Lab Lens run nightly: held (SUCCEEDED, verdict hold)",
        "rules that forbid the release: floor.rougeL",
        "in production: v1",
        "https://runs.example/42",
    ]


def test_a_chat_gets_the_text_alone_and_nobody_is_mentioned_by_a_run_name(send: Send) -> None:
    told = Notification("failed", ("failed",), "<!channel> @here", "FAILED")
    with WebhookServer() as server:
        assert send(server.url, told, body="chat").delivered
        assert send(server.url, told, body="teams").delivered
    chat, teams = server.payloads
    assert chat == {"text": "Lab Lens run (!channel) (at)here: failed (FAILED)"}
    (attachment,) = teams["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert attachment["content"]["body"] == [{"type": "TextBlock", "text": chat["text"], "wrap": True}]


def test_a_signed_request_can_be_checked_by_its_receiver(send: Send, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("sign with this\n")
    with WebhookServer() as server:
        assert send(server.url, secret_file=str(key)).delivered
        assert send(server.url).delivered
    signed, unsigned = server.requests
    headers = {name.lower(): value for name, value in signed.headers.items()}
    assert headers["x-lab-lens-signature"] == signature("sign with this", headers["x-lab-lens-timestamp"], signed.body)
    assert abs(int(headers["x-lab-lens-timestamp"]) - time.time()) < 60
    assert signature("another key", headers["x-lab-lens-timestamp"], signed.body) != headers["x-lab-lens-signature"]
    assert not any("signature" in name.lower() for name in unsigned.headers)


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_failure_that_may_pass_is_tried_again_as_the_same_notification(send: Send, status: int) -> None:
    with WebhookServer(Answer(status)) as server:
        delivery = send(server.url)
    assert (delivery.delivered, delivery.attempts) == (True, 2)
    first, second = server.requests
    assert first.body == second.body
    assert first.headers["X-Lab-Lens-Notification"] == second.headers["X-Lab-Lens-Notification"]


def test_after_the_last_attempt_the_answer_is_told(send: Send) -> None:
    with WebhookServer(Answer(502), Answer(502)) as server:
        delivery = send(server.url, retries=1)
    assert (delivery.delivered, delivery.attempts, delivery.reason) == (False, 2, "it answered 502")


def test_an_endpoint_may_ask_to_wait_longer(send: Send) -> None:
    started = time.monotonic()
    with WebhookServer(Answer(503, headers={"Retry-After": "1"})) as server:
        assert send(server.url).delivered
    assert time.monotonic() - started >= 1.0


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_refusal_is_final(send: Send, status: int) -> None:
    with WebhookServer(Answer(status)) as server:
        delivery = send(server.url)
    assert (delivery.delivered, delivery.attempts) == (False, 1)
    assert delivery.reason.startswith(f"it answered {status}: check its address")


def test_a_redirect_is_not_followed(send: Send) -> None:
    with WebhookServer() as elsewhere, WebhookServer(Answer(302, headers={"Location": elsewhere.url})) as server:
        delivery = send(server.url)
    assert not delivery.delivered
    assert delivery.reason == "it answered 302, and redirects are not followed: give the final address"
    assert elsewhere.requests == []


def test_an_endpoint_that_never_answers_is_left(send: Send) -> None:
    with WebhookServer(Answer(after_seconds=30)) as server:
        delivery = send(server.url, timeout_seconds=0.2, retries=0)
    assert (delivery.delivered, delivery.reason) == (False, "no answer within 0.2 s")


def test_nobody_listening_is_told_without_the_address(send: Send) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    delivery = send(f"http://127.0.0.1:{port}/secret-path", retries=0)
    assert (delivery.delivered, delivery.reason) == (False, "it cannot be reached (ConnectionRefusedError)")


def test_a_certificate_that_is_trusted_by_name_lets_the_message_through(send: Send, certificate: Certificate) -> None:
    with WebhookServer(tls=certificate.server_context()) as server:
        assert send(server.url, ca_file=str(certificate.path)).delivered


def test_a_certificate_that_nobody_trusts_gets_no_message(send: Send, certificate: Certificate) -> None:
    with WebhookServer(tls=certificate.server_context()) as server:
        delivery = send(server.url)
    assert (delivery.delivered, delivery.attempts) == (False, 1)
    assert delivery.reason == "its certificate is not trusted: self-signed certificate; see ca_file"
    assert server.requests == []


def test_a_certificate_of_another_host_gets_no_message(send: Send, tmp_path: Path) -> None:
    other = self_signed(tmp_path, "127.0.0.9")
    with WebhookServer(tls=other.server_context()) as server:
        delivery = send(server.url, ca_file=str(other.path))
    assert not delivery.delivered
    assert "IP address mismatch" in delivery.reason
    assert server.requests == []


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("http://hooks.example/T0", "its address must begin with https:// (http:// only for this machine)"),
        ("ftp://hooks.example/T0", "its address must begin with https:// (http:// only for this machine)"),
        ("hooks.example/T0", "its address is no URL, such as https://hooks.example/services/..."),
        ("https://hooks.example/T0 X", "its address is no URL, such as https://hooks.example/services/..."),
        ("https://hooks.example:99999/T0", "its address is no URL"),
        ("https://", "its address is no URL, such as https://hooks.example/services/..."),
        (" ", "environment variable HOOK is not set"),
    ],
)
def test_an_address_that_may_not_be_used_is_refused_untried(send: Send, address: str, problem: str) -> None:
    delivery = send(address)
    assert (delivery.delivered, delivery.attempts, delivery.reason) == (False, 0, problem)


def test_a_proxy_is_not_asked_for_this_machine(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    with WebhookServer() as proxy, WebhookServer() as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv("no_proxy", "")
        assert send(server.url).delivered
    assert proxy.requests == []
    assert len(server.requests) == 1


def test_a_proxy_is_asked_for_another_machine(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    with WebhookServer(Answer(502)) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "")
        delivery = send("https://hooks.example/secret-path", retries=0)
    # The loopback server knows no CONNECT; what counts is that nothing went around it.
    assert (delivery.delivered, delivery.reason) == (False, "it cannot be reached (OSError)")
