"""Jira's webhook: a hint from whoever holds the secret, and nothing but a hint."""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette

from monitor.commands.serve import taken
from monitor.settings import ConfigError, load
from monitor.web_jira import LIMIT, jira_route
from monitor.wiring import utc_now
from tests.connectors.conftest import serve

SECRET = "It's a Secret to Everybody"
BODY = json.dumps({"webhookEvent": "jira:issue_updated", "issue": {"key": "MCPSEC-1"}}).encode()


class Hook:
    """The page, as Jira reaches it; `hints` is how often somebody was told to look."""

    def __init__(self) -> None:
        self.hints = 0
        self.base = ""

    def hint(self) -> None:
        """Count one."""
        self.hints += 1

    def post(self, body: bytes, headers: Mapping[str, str]) -> int:
        """Send a webhook; return the status."""
        where = urlsplit(self.base)
        connection = HTTPConnection(str(where.hostname), where.port, timeout=10)
        try:
            connection.request("POST", "/v1/jira", body, dict(headers))
            return connection.getresponse().status
        finally:
            connection.close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    with serve(Starlette(routes=[jira_route(SECRET, made.hint)]), []) as made.base:
        yield made


def signed(body: bytes, *, secret: str = SECRET, name: str = "") -> dict[str, str]:
    """Sign as Jira does."""
    mac = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"X-Hub-Signature": f"sha256={mac}"} | ({"X-Atlassian-Webhook-Identifier": name} if name else {})


def test_the_signature_is_what_the_vendor_shows() -> None:
    known = "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"

    assert signed(b"Hello World!")["X-Hub-Signature"] == known


def test_a_signed_webhook_is_a_hint(hook: Hook) -> None:
    assert hook.post(BODY, signed(BODY)) == 202
    assert hook.hints == 1


def test_a_webhook_that_is_repeated_is_one_hint(hook: Hook) -> None:
    statuses = [hook.post(BODY, signed(BODY, name=name)) for name in ("a", "a", "b", "a")]

    assert statuses == [202] * 4
    assert hook.hints == 2


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Hub-Signature": ""},
        {"X-Hub-Signature": "sha256="},
        {"X-Hub-Signature": "sha1=" + hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest()},
        {"X-Hub-Signature": signed(BODY)["X-Hub-Signature"].removeprefix("sha256=")},
        {"X-Hub-Signature": "sha256=é"},
        signed(BODY, secret="another"),
        signed(BODY + b" "),
    ],
)
def test_what_is_not_signed_is_refused_and_no_hint(hook: Hook, headers: dict[str, str]) -> None:
    assert hook.post(BODY, headers) == 401
    assert hook.hints == 0


def test_a_refused_webhook_takes_no_name_away(hook: Hook) -> None:
    hook.post(BODY, signed(BODY, secret="another", name="a"))

    assert hook.post(BODY, signed(BODY, name="a")) == 202
    assert hook.hints == 1


def test_a_body_that_is_no_json_is_a_hint_all_the_same(hook: Hook) -> None:
    body = b"\x00\xff" * 1000

    assert hook.post(body, signed(body)) == 202
    assert hook.hints == 1


def test_a_webhook_above_the_limit_is_refused(hook: Hook) -> None:
    announced = {"Content-Length": str(LIMIT + 1)}

    assert hook.post(b"", signed(b"") | announced) == 413
    assert hook.hints == 0


def configured(folder: Path, secret: str) -> Path:
    """Write a configuration that names the variable of the secret."""
    config = folder / "config.toml"
    text = f'[registry]\npath = "registry.yaml"\n\n[web]\njira_webhook_secret_env = "{secret}"\n'
    config.write_text(text, "utf-8")
    return config


def test_without_a_configured_secret_there_is_no_page(tmp_path: Path) -> None:
    without = load(configured(tmp_path, ""), {})
    with_secret = load(configured(tmp_path, "HOOK"), {"HOOK": "t0ken"})

    pages = [taken(each, (), clock=utc_now, hint=lambda: None) for each in (without, with_secret)]

    assert [[page.path for page in each] for each in pages] == [[], ["/v1/jira"]]


def test_a_configured_secret_that_is_not_set_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"web\.jira_webhook_secret_env"):
        load(configured(tmp_path, "HOOK"), {})
