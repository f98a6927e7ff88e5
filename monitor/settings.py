"""Reading the configuration: the file, the secrets that it names, and every error at once, with its key and what was expected."""

import difflib
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from monitor.config import KINDS, Config, Waiver
from monitor.config_section import Section
from monitor.config_siem import SIEM_KINDS, SiemHttp
from monitor.domain.text import one_line
from monitor.option_types import database

LARGEST_FILE = 2**20
LONGEST_LINE = 1000
LARGEST_SECRET = 2**16
NESTED: Mapping[str, type[Section]] = {**KINDS, **SIEM_KINDS, "waivers": Waiver}
"""What stands inside the lists of the file."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: the dotted key (empty: the file as a whole) and what was expected."""

    key: str
    message: str


class ConfigError(Exception):
    """The configuration cannot be used; the text has one line for each problem."""

    def __init__(self, path: Path, problems: Sequence[Problem]) -> None:
        """Name the file and everything that is wrong with it."""
        lines = (
            f"{path}: {problem.key}: {problem.message}" if problem.key else f"{path}: {problem.message}"
            for problem in problems
        )
        super().__init__("\n".join(one_line(line, LONGEST_LINE) for line in lines))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration with its secrets, by dotted key.

    The keys: `jira.token`, `slack.token`, `slack.app_token`, `slack.webhooks.NAME`,
    `web.fleets.NAME`, `web.jira_webhook_secret`, `sources.{npm,pypi,github}.token`, `store.url`.
    """

    path: Path
    config: Config
    secrets: Mapping[str, SecretStr]

    def secret(self, key: str) -> str | None:
        """Return the secret in clear text, None where none is configured."""
        held = self.secrets.get(key)
        return held.get_secret_value() if held else None

    @property
    def store_url(self) -> str:
        """The database's address, which may hold a password."""
        return self.secret("store.url") or self.config.store.url

    def ended_waivers(self, now: datetime) -> list[str]:
        """Return a sentence for each waiver whose end has passed: what it covered counts again."""
        return [
            f"policy.waivers[{number}] ({waiver.rule}, server {waiver.server}) ended on {waiver.expires:%Y-%m-%d}: "
            "it covers nothing any more"
            for number, waiver in enumerate(self.config.policy.waivers)
            if waiver.expires <= now
        ]

    def reading(self) -> "Settings":
        """Return the same for somebody who only reads the database, and perhaps may not write its file."""
        if not self.store_url.startswith("sqlite:"):
            return self
        return replace(self, secrets={**self.secrets, "store.url": SecretStr(f"{self.store_url}?mode=ro")})


def load(path: Path, environ: Mapping[str, str], *, needed: Callable[[str], bool] = lambda _: True) -> Settings:
    """Read the file and the secrets that it names. Raises `ConfigError` with all that is wrong.

    `needed` tells by its key whether a secret has to be there; one that is not needed is left out where it is missing.
    """
    content = _parse(path, _read(path))
    try:
        # Absolute, so that one file has one name however the configuration was named: an inventory is known by its path.
        config = Config.model_validate(content, context={"base": path.absolute().parent})
    except ValidationError as error:
        problems = [_problem(detail) for detail in error.errors(include_url=False, include_input=False)]
        raise ConfigError(
            path, problems
        ) from None  # the cause would quote the values, secrets in the wrong place among them
    secrets: dict[str, SecretStr] = {}
    problems = []
    for named in _named_secrets(config):
        read = _secret(named, environ)
        if isinstance(read, Problem):
            problems += [read] if needed(named.key) else []
        elif read is not None:
            secrets[named.key] = read
    if address := secrets.get("store.url"):
        try:
            secrets["store.url"] = SecretStr(database(address.get_secret_value(), path.parent))
        except PydanticCustomError as error:
            problems.append(Problem("store.url_file" if config.store.url_file else "store.url_env", error.message()))
    if problems:
        raise ConfigError(path, problems)
    return Settings(path, config, secrets)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise ConfigError(path, [Problem("", "expected at most 1 MB of TOML")])
        return content.decode()
    except FileNotFoundError as error:
        advice = "no such file; copy config.example.toml, or name another one with --config or MCP_MONITOR_CONFIG"
        raise ConfigError(path, [Problem("", advice)]) from error
    except OSError as error:
        raise ConfigError(path, [Problem("", f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise ConfigError(path, [Problem("", f"expected UTF-8 text; byte {error.start} is not")]) from error


def _parse(path: Path, text: str) -> Mapping[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(path, [Problem("", f"not TOML: {error}")]) from None
    except (RecursionError, ValueError):  # nesting without end; a number of thousands of digits
        raise ConfigError(path, [Problem("", "not TOML: nested too deeply, or a number too long")]) from None


# --- errors of the schema ---------------------------------------------------------------------------------------------


def _problem(detail: ErrorDetails) -> Problem:
    """Say where and what was expected, never what was found: that may be a secret in the wrong place."""
    location = detail["loc"]
    key = _dotted(location)
    match detail["type"]:
        case "extra_forbidden":
            return Problem(key, _unknown_key(location))
        case "missing":
            return Problem(key, "expected a value: it has no default")
        case "union_tag_invalid" | "union_tag_not_found":
            return Problem(
                f"{key}.kind", f"expected one of {', '.join(SIEM_KINDS if location[0] == 'siem' else KINDS)}"
            )
        case "model_type" | "dict_type" | "mapping_type":
            return Problem(key, f"expected a table: [{key}]")
        case _:
            return Problem(key, detail["msg"].replace("Input should be", "expected"))


def _dotted(location: Sequence[str | int]) -> str:
    """Write the place as it stands in the file: `policy.waivers[0].expires`; a part with a dot in it is quoted."""
    text = ""
    for number, part in enumerate(location):
        if isinstance(part, int):
            text += f"[{part}]"
        elif part == "[key]" or (number and isinstance(location[number - 1], int) and part in NESTED):
            continue
        else:
            text += f'."{part}"' if "." in part else f".{part}"
    return text.lstrip(".")


def _unknown_key(location: Sequence[str | int]) -> str:
    known = sorted(_section_at(location[:-1]).model_fields)
    wrong = str(location[-1])
    if wrong in ("token", "password", "secret", "webhook") or wrong.startswith("webhook"):
        named = [key for key in known if key.endswith(("_env", "_file"))]
        return f"secrets do not stand in this file: name them with {' or '.join(named)}" if named else "unknown option"
    near = difflib.get_close_matches(wrong, known, n=1, cutoff=0.5)
    return f"unknown option; did you mean {near[0]}?" if near else f"unknown option; known are {', '.join(known)}"


def _section_at(location: Sequence[str | int]) -> type[Section]:
    current: type[Section] = Config
    for part in location:
        if part in NESTED:
            current = NESTED[str(part)]
        elif isinstance(part, str):
            kind = current.model_fields[part].annotation
            current = kind if isinstance(kind, type) and issubclass(kind, Section) else current
    return current


# --- secrets ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Named:
    """A secret that the configuration names. `required`: without it the section is of no use."""

    key: str
    variable: str
    file: Path | None
    required: bool


def _named_secrets(config: Config) -> Iterator[_Named]:
    yield _Named("store.url", config.store.url_env, config.store.url_file, required=True)
    for name, source in (("npm", config.sources.npm), ("pypi", config.sources.pypi), ("github", config.sources.github)):
        yield _Named(f"sources.{name}.token", source.token_env, source.token_file, required=False)
    if config.jira.url:
        yield _Named("jira.token", config.jira.token_env, config.jira.token_file, required=True)
    yield _Named("slack.token", config.slack.token_env, config.slack.token_file, required=True)
    yield _Named("slack.app_token", config.slack.app_token_env, config.slack.app_token_file, required=False)
    for channel, variable in config.slack.webhooks_env.items():
        yield _Named(f"slack.webhooks.{channel}", variable, None, required=True)
    for channel, file in config.slack.webhooks_file.items():
        yield _Named(f"slack.webhooks.{channel}", "", file, required=True)
    repository = config.reviews.repository
    yield _Named("reviews.repository.token", repository.token_env, repository.token_file, required=True)
    for sink in config.siem:
        if isinstance(sink, SiemHttp):
            yield _Named(f"siem.{sink.name}.token", sink.token_env, sink.token_file, required=True)
    yield _Named("web.jira_webhook_secret", config.web.jira_webhook_secret_env, None, required=True)
    for fleet, variable in config.web.fleets.items():
        yield _Named(f"web.fleets.{fleet}", variable, None, required=True)


def _secret(named: _Named, environ: Mapping[str, str]) -> SecretStr | Problem | None:
    """Fetch one secret: None where none is named, or an optional one is not set."""
    stem = (
        named.key.replace("slack.webhooks.", "slack.webhooks_")
        if named.key.startswith("slack.webhooks.")
        else f"{named.key}_"
    )
    if named.file and named.variable and named.variable in environ:
        return Problem(f"{stem}file", f"expected one of the two: {named.variable} is set in the environment as well")
    if named.file:
        return _secret_in_file(f"{stem}file", named.file)
    if not named.variable:
        return None
    text = environ.get(named.variable, "")
    where = named.key if named.key.startswith("web.fleets.") else f"{stem}env"
    if not text:
        expected = f"expected the environment variable {named.variable} to hold the secret; it is not set"
        return Problem(where, expected) if named.required else None
    return _held(where, text)


def _secret_in_file(key: str, file: Path) -> SecretStr | Problem:
    try:
        with file.open("rb") as opened:
            text = opened.read(LARGEST_SECRET).decode()
    except OSError as error:
        return Problem(key, f"expected a readable file at {file}: {error.strerror}")
    except UnicodeDecodeError:
        return Problem(key, f"expected text in {file}")
    return _held(key, text)


def _held(key: str, text: str) -> SecretStr | Problem:
    """Take one line of visible ASCII: anything else would be refused, or worse, in a header."""
    line = text.strip()
    if not line or not line.isascii() or not line.isprintable() or " " in line:
        return Problem(key, "expected the secret to be one word of visible characters")
    return SecretStr(line)
