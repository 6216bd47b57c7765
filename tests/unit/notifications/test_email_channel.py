import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from loopback.certificates import Certificate
from loopback.mail import PASSWORD, USER, MailServer

from lab_lens.config_notifications import Email, Notifications
from lab_lens.notifications.delivery import Delivery
from lab_lens.notifications.message import Notification
from lab_lens.notifications.notifier import send_to_all

Send = Callable[..., Delivery]


@pytest.fixture
def send(notification: Notification) -> Send:
    """Sends a notification by mail through a server on this machine, in the clear unless told otherwise."""

    def call(port: int, told: Notification = notification, **settings: Any) -> Delivery:
        given = {"security": "none", "sender": "lens@hospital.example", "recipients": ("team@hospital.example",)}
        email = Email(host="127.0.0.1", port=port, **(given | settings))
        _, delivery = send_to_all(told, Notifications(emails=(email,)))
        return delivery

    return call


def test_a_mail_has_a_subject_of_one_line_and_the_message_in_words(send: Send, notification: Notification) -> None:
    with MailServer() as server:
        delivery = send(server.port, recipients=("team@hospital.example", "on-call@hospital.example"))
    assert (delivery.delivered, delivery.attempts) == (True, 1)
    (mail,) = server.messages
    assert mail["Subject"] == "Lab Lens: run nightly: held"
    assert (mail["From"], mail["To"]) == ("lens@hospital.example", "team@hospital.example, on-call@hospital.example")
    assert mail["Message-ID"] == f"<{notification.id}@hospital.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().splitlines() == notification.text.splitlines()


def test_a_run_name_cannot_add_headers_or_lines(send: Send) -> None:
    name = "nightly\r\nBcc: thief@evil.example\r\n\r\nHello\u2028\x00there"
    with MailServer() as server:
        assert send(server.port, Notification("failed", ("failed",), name, "FAILED")).delivered
    (mail,) = server.messages
    assert mail["Subject"] == "Lab Lens: run nightly Bcc: thief@evil.example Hello there: failed"
    assert mail["Bcc"] is None
    assert mail["To"] == "team@hospital.example"
    assert len(mail.get_content().splitlines()) == 1


def test_a_name_in_another_script_arrives_as_it_is(send: Send) -> None:
    with MailServer() as server:
        assert send(server.port, Notification("held", ("held",), "nächtlich 夜", "SUCCEEDED")).delivered
    assert server.messages[0]["Subject"] == "Lab Lens: run nächtlich 夜: held"


def test_with_starttls_and_a_password_the_mail_goes_out(
    send: Send, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    known = {"security": "starttls", "ca_file": str(certificate.path)}
    with MailServer(starttls=certificate.server_context(), login=True) as server:
        assert send(server.port, username=USER, password_env="MAIL_PASSWORD", **known).delivered
    assert len(server.messages) == 1


def test_tls_from_the_first_byte_works_too(send: Send, certificate: Certificate) -> None:
    with MailServer(tls=certificate.server_context()) as server:
        assert send(server.port, security="tls", ca_file=str(certificate.path)).delivered
    assert len(server.messages) == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_nobody_trusts_gets_no_mail(send: Send, certificate: Certificate, security: str) -> None:
    with MailServer(**{security: certificate.server_context()}) as server:  # type: ignore[arg-type]
        delivery = send(server.port, security=security)
    assert (delivery.delivered, delivery.attempts) == (False, 1)
    assert delivery.reason == "its certificate is not trusted: self-signed certificate; see ca_file"
    assert server.messages == []


def test_a_server_without_starttls_gets_no_mail_and_no_password(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    with MailServer() as server:
        delivery = send(server.port, security="starttls", username=USER, password_env="MAIL_PASSWORD")
    assert delivery.reason == "it does not offer what is asked of it: starttls, or a login"
    assert server.messages == []


def test_a_wrong_password_is_told_without_the_password(send: Send, certificate: Certificate, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("wrong horse\n")
    known = {"security": "starttls", "ca_file": str(certificate.path)}
    with MailServer(starttls=certificate.server_context(), login=True) as server:
        delivery = send(server.port, username=USER, password_file=str(password), **known)
    assert (delivery.delivered, delivery.attempts) == (False, 1)
    assert delivery.reason == "it refused user and password (535)"


def test_a_busy_server_is_asked_again(send: Send) -> None:
    with MailServer(refuse=("451 try later",)) as server:
        delivery = send(server.port)
    assert (delivery.delivered, delivery.attempts) == (True, 2)
    assert len(server.messages) == 1


def test_a_server_that_refuses_for_good_is_not_asked_again(send: Send) -> None:
    with MailServer(refuse=("554 your message said: nightly",)) as server:
        delivery = send(server.port)
    assert (delivery.delivered, delivery.attempts, delivery.reason) == (False, 1, "it refused the message (554)")


def test_recipients_that_do_not_exist_are_told_by_the_code(send: Send) -> None:
    with MailServer(refuse_recipients="550 no such user") as server:
        delivery = send(server.port)
    assert (delivery.delivered, delivery.reason) == (False, "it refused every recipient (550)")


def test_a_server_that_says_nothing_is_left(send: Send) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        delivery = send(silent.getsockname()[1], timeout_seconds=0.2, retries=1)
    assert (delivery.delivered, delivery.attempts, delivery.reason) == (False, 2, "no answer within 0.2 s")


def test_a_password_that_is_not_there_is_told_before_anything_is_sent(send: Send, monkeypatch: Any) -> None:
    monkeypatch.delenv("MAIL_PASSWORD", raising=False)
    with MailServer() as server:
        delivery = send(server.port, username=USER, password_env="MAIL_PASSWORD")
    assert (delivery.attempts, delivery.reason) == (0, "environment variable MAIL_PASSWORD is not set")
    assert server.messages == []
