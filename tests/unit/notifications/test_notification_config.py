import json
from pathlib import Path
from typing import Any

import pytest

import lab_lens
from lab_lens.config import parse_config
from lab_lens.errors import InputError

SECRET = "https://hooks.example/services/T0/B0/very-secret"
MAIL = {"host": "smtp.example", "sender": "a@b.example", "recipients": ["c@d.example"]}


def problems_of(notifications: Any) -> list[str]:
    with pytest.raises(InputError) as refused:
        parse_config(json.dumps({"notifications": notifications}))
    return [problem.removeprefix("config: notifications.") for problem in refused.value.problems]


def test_every_problem_of_every_channel_is_told_at_once() -> None:
    wrong = {
        "log": {"events": ["exploded"]},
        "files": [{"path": "told.jsonl"}],
        "webhooks": [{}, {"name": "chat", "url_env": "A", "url_file": "/b"}, {"url_env": "A", "url": SECRET}],
        "emails": [{**MAIL, "security": "none", "username": "me", "recipients": ["nobody", "x@y.example\nBcc: z@z.z"]}],
        "mailto": [],
    }
    told = problems_of(wrong)
    allowed = "'succeeded', 'failed', 'cancelled', 'held', 'promoted', 'rolled_back' or 'unhealthy'"
    assert told[0] == f'log.events.0 is "exploded"; it must be {allowed}'
    assert told[1].startswith("files.0.path: it must be the absolute path of a file")
    assert told[2:4] == [f"webhooks.{n}: give the address by exactly one of url_env and url_file" for n in (0, 1)]
    assert told[4].startswith("config: unknown setting notifications.webhooks.2.url; allowed here: body, ca_file, ")
    assert told[5] == (
        "emails.0: give the password of username by exactly one of password_env and password_file; "
        "security none is for a server on this machine alone; use starttls or tls; "
        "'nobody' is no mail address, such as ml-team@hospital.example; "
        "'x@y.example\\nBcc: z@z.z' is no mail address, such as ml-team@hospital.example"
    )
    assert told[6].startswith("config: unknown setting notifications.mailto; allowed here: ")
    assert len(told) == 7


@pytest.mark.parametrize(
    "wrong",
    [
        {"webhooks": [{"url_env": SECRET}]},
        {"webhooks": [{"url_file": SECRET}]},
        {"webhooks": [{"url_env": "A", "secret_env": "very-secret!"}]},
        {"webhooks": [{"url_env": [SECRET]}]},
        {"webhooks": SECRET},
        {"webhooks": [SECRET]},
        {"webhooks": [{"url": SECRET}]},
        {"emails": [{**MAIL, "username": "me", "password": "very-secret"}]},
        {"emails": [{**MAIL, "username": "me", "password_env": "very-secret"}]},
        {"emails": [{**MAIL, "host": "smtp://me:very-secret@smtp.example"}]},
    ],
)
def test_a_secret_in_the_wrong_place_is_refused_and_not_repeated(wrong: dict[str, Any]) -> None:
    told = problems_of(wrong)
    assert told
    assert not any("very-secret" in problem for problem in told)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"webhooks": [{"url_env": "A"}, {"url_env": "B"}]}, "given twice: webhook"),
        ({"files": [{"name": "log", "path": "/a"}]}, "each channel needs a name of its own (log is taken)"),
        ({"webhooks": [{"url_env": "A", "secret_env": "B", "secret_file": "/c"}]}, "give the signing key by one of"),
        ({"emails": [{**MAIL, "password_env": "A"}]}, "a password needs a username"),
        ({"webhooks": [{"url_env": "A", "timeout_seconds": 0}]}, "webhooks.0.timeout_seconds is 0"),
        ({"webhooks": [{"url_env": "A", "retries": 99}]}, "webhooks.0.retries is 99"),
        ({"emails": [{**MAIL, "recipients": []}]}, "emails.0.recipients is []"),
        ({"link": "runs.example"}, "link is "),
    ],
)
def test_a_problem_is_told_in_words_of_the_file(wrong: dict[str, Any], problem: str) -> None:
    (told,) = problems_of(wrong)
    assert problem in told.removeprefix("config: notifications: ")


def test_the_example_of_the_documentation_is_valid() -> None:
    page = (Path(lab_lens.__file__).parent.parent / "docs" / "notifications.md").read_text(encoding="utf-8")
    example = page.split("```json\n")[1].split("```")[0]
    notifications = parse_config(example).notifications
    assert [channel.name for channel in notifications.webhooks] == ["chat", "on-call"]


def test_a_whole_section_reads_back_as_itself(tmp_path: Path) -> None:
    given = {
        "link": "https://runs.example/{run_id}",
        "log": {"events": []},
        "files": [{"path": str(tmp_path / "told.jsonl")}, {"name": "windows", "path": "C:\\told.jsonl"}],
        "webhooks": [{"name": "chat", "url_file": "/run/secrets/hook", "body": "chat", "events": ["failed", "held"]}],
        "emails": [{**MAIL, "username": "me", "password_env": "MAIL_PASSWORD", "required": True}],
    }
    config = parse_config(json.dumps({"notifications": given}))
    assert parse_config(config.to_json()) == config
    assert config.notifications.emails[0].port == 587
    assert config.notifications.webhooks[0].events == ("failed", "held")
