import io
import json
import logging

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from monitor.log import Redactor, configure

SECRET = "s3cr3t-t0ken-value"


@pytest.fixture(autouse=True)
def _expects_warnings(logged: list[str]) -> None:
    del logged


def logged_as_json(*, secrets: list[str], **data: object) -> dict[str, object]:
    stream = io.StringIO()
    configure(format="json", secrets=secrets, stream=stream)
    structlog.get_logger("test").warning("something.happened", **data)
    line: dict[str, object] = json.loads(stream.getvalue())
    return line


def test_an_event_is_a_name_with_data_beside_it() -> None:
    line = logged_as_json(secrets=[], source="npm", count=3)

    assert (line["event"], line["level"], line["source"], line["count"]) == ("something.happened", "warning", "npm", 3)


@pytest.mark.parametrize(
    "data",
    [
        {"detail": f"refused {SECRET}"},
        {"nested": {"list": [f"x{SECRET}y"]}},
        {"token": SECRET},
        {"error": ValueError(SECRET)},
        {"body": SECRET.encode()},
    ],
)
def test_a_known_secret_is_never_logged(data: dict[str, object]) -> None:
    line = logged_as_json(secrets=[SECRET], **data)

    assert SECRET not in json.dumps(line)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abcdef123456", "abcdef123456"),
        ("basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("xoxb-12345678-abcdef", "12345678"),
        ("ghp_0123456789abcdef0123", "0123456789abcdef0123"),
        ("github_pat_0123456789abcdef0123", "0123456789abcdef0123"),
        ("posted to https://hooks.slack.com/services/T0/B0/xyz", "T0/B0/xyz"),
        ("https://user:hunter2@registry.example/simple", "hunter2"),
    ],
)
def test_what_looks_like_a_credential_is_not_logged_either(text: str, secret: str) -> None:
    assert secret not in Redactor([]).text(text)


@given(st.text(), st.text(alphabet=st.characters(codec="ascii", exclude_categories=["C"]), min_size=6))
def test_no_text_carries_a_known_secret_through(text: str, secret: str) -> None:
    assert secret not in Redactor([secret]).text(text + secret + text).replace("[removed]", "")


def test_innocent_text_stays() -> None:
    text = "https://registry.example/@acme%2Ffiles: 503, tried 3 times"

    assert Redactor([SECRET]).text(text) == text


def test_other_libraries_logs_pass_through_the_same_hands() -> None:
    stream = io.StringIO()
    configure(format="json", secrets=[SECRET], stream=stream)

    logging.getLogger("some.library").error("failed with %s", SECRET)

    assert json.loads(stream.getvalue())["event"] == "failed with [removed]"


def test_a_traceback_is_logged_without_secrets() -> None:
    stream = io.StringIO()
    configure(format="json", secrets=[SECRET], stream=stream)
    try:
        int(SECRET)
    except ValueError:
        structlog.get_logger("test").exception("went.wrong")

    line = json.loads(stream.getvalue())

    assert "ValueError: " in line["exception"]
    assert SECRET not in line["exception"]


def test_a_console_line_cannot_steer_the_terminal() -> None:
    stream = io.StringIO()
    configure(format="console", stream=stream)

    structlog.get_logger("test").warning("something.happened", detail="\x1b[2J\nforged line")

    assert "\x1b" not in stream.getvalue()
    assert len(stream.getvalue().splitlines()) == 1


def test_what_is_below_the_level_is_not_logged() -> None:
    stream = io.StringIO()
    configure(format="json", level="warning", stream=stream)

    structlog.get_logger("test").info("chatter")

    assert stream.getvalue() == ""
