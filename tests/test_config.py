import re
import tomllib
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import wiring
from monitor.config import Config, InventoryFile, McpConfig, Waiver
from monitor.config_inventory import InventoryCsv, InventoryFolder, KubernetesPods, OsqueryResults, SbomInventory
from monitor.config_section import Section
from monitor.domain.finding import Severity
from monitor.option_types import duration
from monitor.ports.errors import Unavailable
from monitor.settings import ConfigError, Settings, load

EXAMPLE = Path(__file__).parent.parent / "config.example.toml"

Given = Mapping[str, str]


def read(folder: Path, text: str, environ: Given | None = None) -> Settings:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, environ or {})


def complaints(folder: Path, text: str, environ: Given | None = None) -> list[str]:
    """What is wrong with the configuration, without the file's name in front."""
    with pytest.raises(ConfigError) as raised:
        read(folder, text, environ)
    return [line.removeprefix(f"{folder / 'config.toml'}: ") for line in str(raised.value).splitlines()]


def defaults(folder: Path) -> Config:
    return Config.model_validate({}, context={"base": folder})


# --- the example file ---------------------------------------------------------------------------------------------------


def test_the_example_equals_the_defaults() -> None:
    settings = load(EXAMPLE, {})

    assert settings.config == defaults(EXAMPLE.parent)


def test_the_example_shows_every_option() -> None:
    shown = tomllib.loads(uncommented())

    assert list(_missing(Config, shown, "")) == []


def test_what_the_example_only_shows_is_valid(tmp_path: Path) -> None:
    text = uncommented(without=("slack.channels", "slack.webhooks_file"))

    config = read(tmp_path, text, {"SLACK_WEBHOOK": "https://hooks.example/x", "FLEET_TOKEN": "t0ken"}).config

    assert [each.kind for each in config.inventory] == [
        "mcp-config",
        "inventory-file",
        "inventory-folder",
        "csv",
        "osquery",
        "kubernetes",
        "sbom",
    ]
    assert config.policy.waivers[0].expires == datetime(2027, 1, 31, 23, 59, 59, 999999, UTC)
    assert config.jira.fields == {"customfield_10042": {"value": "Supply chain"}}


def uncommented(*, without: Collection[str] = ()) -> str:
    """The example file with everything that it only shows, but for some tables."""
    text = re.sub(r"^#(?=\S)", "", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    tables = re.split(r"^(?=\[)", text, flags=re.MULTILINE)
    return "".join(table for table in tables if not table.startswith(tuple(f"[{name}]" for name in without)))


def test_every_option_of_the_example_has_a_comment_or_stands_under_one() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()

    bare = [line for line in lines if " = " in line and not line.startswith("# ") and " # " not in line]

    assert {line.partition(" ")[0] for line in bare} <= OBVIOUS


OBVIOUS = {
    "enabled",
    "kind",
    "issue_type",
    "labels",
    "api",
    "#kind",
    "#reason",
    "#by",
    "#platform-team",
    "#1",
    "#critical",
    "#customfield_10042",
    "#default",
    "#security",
    "#laptops",
    "#path",
    "#slack",
    "#github",
    "rejected",
    "within",
}
"""Options whose name says it all, and lines that only show a shape."""


INVENTORIES = (McpConfig, InventoryFile, InventoryFolder, InventoryCsv, OsqueryResults, KubernetesPods, SbomInventory)


def _missing(section: type[Section], shown: Mapping[str, object], where: str) -> list[str]:
    """Return every option of the section that the document does not show."""
    missing: list[str] = []
    for name, field in section.model_fields.items():
        place = f"{where}{name}"
        if name not in shown:
            missing.append(place)
        elif isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            missing += _missing(field.annotation, _table(shown[name]), f"{place}.")
    lists: Mapping[str, tuple[type[Section], ...]] = {"inventory": INVENTORIES, "waivers": (Waiver,)}
    for name, kinds in lists.items():
        entries = shown.get(name)
        if isinstance(entries, list):
            for kind, entry in zip(kinds, entries, strict=True):
                missing += _missing(kind, _table(entry), f"{where}{name}.")
    return missing


def _table(value: object) -> Mapping[str, object]:
    assert isinstance(value, dict)
    return value


# --- values -------------------------------------------------------------------------------------------------------------


def test_an_empty_file_is_a_configuration(tmp_path: Path) -> None:
    assert read(tmp_path, "").config == defaults(tmp_path)


def test_relative_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    config = read(tmp_path, '[store]\nurl = "sqlite:///data/m.db"\n[verification]\nnpm_keys = "keys.json"').config

    assert config.registry.path == tmp_path / "registry.yaml"
    assert config.store.url == f"sqlite:///{tmp_path}/data/m.db"
    assert config.verification.npm_keys == tmp_path / "keys.json"


def test_absolute_paths_stay(tmp_path: Path) -> None:
    config = read(tmp_path, '[store]\nurl = "sqlite:////var/m.db"\n[registry]\npath = "/etc/r.yaml"').config

    assert (config.store.url, config.registry.path) == ("sqlite:////var/m.db", Path("/etc/r.yaml"))


def test_postgresql_is_spoken_to_by_psycopg(tmp_path: Path) -> None:
    config = read(tmp_path, '[store]\nurl = "postgresql://db.example/monitor"').config

    assert config.store.url == "postgresql+psycopg://db.example/monitor"


def test_no_inventory_is_a_choice(tmp_path: Path) -> None:
    assert read(tmp_path, "inventory = []").config.inventory == ()


def test_severities_are_words(tmp_path: Path) -> None:
    assert read(tmp_path, '[policy]\nexit_at = "high"').config.policy.exit_at is Severity.HIGH


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("24h", timedelta(days=1)),
        ("7d", timedelta(days=7)),
        ("1h30m", timedelta(minutes=90)),
    ],
)
def test_durations_are_read_as_people_write_them(text: str, read_as: timedelta) -> None:
    assert duration(text) == read_as


@given(st.integers(0, 10**6))
def test_any_number_of_seconds_can_be_written(seconds: int) -> None:
    assert duration(f"{seconds}s") == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ['"5"', '"5 m"', '"m"', '"-5m"', "5", '"99999999d"', "true", '""'])
def test_what_is_no_duration_is_refused(tmp_path: Path, text: str) -> None:
    [complaint] = complaints(tmp_path, f"[http]\ntimeout = {text}")

    assert complaint.startswith("http.timeout: expected a duration")


def test_a_waiver_needs_an_end(tmp_path: Path) -> None:
    found = complaints(tmp_path, '[[policy.waivers]]\nrule = "malware"\nreason = "y"\nby = "z"')

    assert found == ["policy.waivers[0].expires: expected a value: it has no default"]


def test_a_quoted_date_is_refused_with_the_way_out(tmp_path: Path) -> None:
    text = '[[policy.waivers]]\nrule = "malware"\nreason = "y"\nby = "z"\nexpires = "2027-01-31"'

    [complaint] = complaints(tmp_path, text)

    assert complaint.startswith("policy.waivers[0].expires: expected a date such as 2027-01-31")


def test_a_time_without_a_zone_is_no_end(tmp_path: Path) -> None:
    text = '[[policy.waivers]]\nrule = "malware"\nreason = "y"\nby = "z"\nexpires = 2027-01-31T12:00:00'

    assert complaints(tmp_path, text)[0].startswith("policy.waivers[0].expires: expected")


@pytest.mark.parametrize(
    ("rule", "hint"),
    [("floating-versions", "; did you mean floating-version?"), ("zzz", ": docs/rules/ lists them")],
)
def test_a_waiver_names_a_rule_that_there_is(rule: str, hint: str, tmp_path: Path) -> None:
    text = f'[[policy.waivers]]\nrule = "{rule}"\nreason = "y"\nby = "z"\nexpires = 2027-01-31'

    assert complaints(tmp_path, text) == [f"policy.waivers[0].rule: expected a rule's id{hint}"]


def test_a_waiver_that_has_ended_is_named_from_that_moment_on(tmp_path: Path) -> None:
    text = '[[policy.waivers]]\nrule = "malware"\nreason = "y"\nby = "z"\nexpires = 2027-01-31T12:00:00Z'
    settings = read(tmp_path, text)
    end = datetime(2027, 1, 31, 12, tzinfo=UTC)

    assert settings.ended_waivers(end - timedelta(seconds=1)) == []
    assert settings.ended_waivers(end) == [
        "policy.waivers[0] (malware, server *) ended on 2027-01-31: it covers nothing any more"
    ]


PASTED = ["ghp_" + "a1B2" * 9, "xoxb-1234-abcd", "ATATT3xFfGF0" + "aB3" * 20, "s3cret!", "a b", "npm_" + "Zz9" * 12]


@pytest.mark.parametrize("secret", PASTED)
@pytest.mark.parametrize(
    "section", ["store.url_env", "jira.token_env", "sources.npm.token_env", "slack.webhooks_env.x"]
)
def test_a_secret_in_the_place_of_a_variables_name_is_refused_and_not_repeated(
    section: str, secret: str, tmp_path: Path
) -> None:
    table, _, option = section.rpartition(".")

    [complaint] = complaints(tmp_path, f'[{table}]\n{option} = "{secret}"')

    assert complaint.startswith(f"{section}: expected the name of an environment variable")
    assert secret not in complaint


# --- errors -------------------------------------------------------------------------------------------------------------


def test_every_error_is_told_at_once(tmp_path: Path) -> None:
    found = complaints(
        tmp_path, '[http]\ntimeout = "x"\nper_host = "8"\n[policy]\npage_at = "bad"\n[schedule]\nfleet = "61 * * * *"'
    )

    assert [each.partition(":")[0] for each in found] == [
        "http.timeout",
        "http.per_host",
        "policy.page_at",
        "schedule.fleet",
    ]


def test_an_unknown_option_is_an_error_with_the_nearest_known_one(tmp_path: Path) -> None:
    found = complaints(tmp_path, "[http]\ntimeuot = 3\n[[inventory]]\nkind = 'mcp-config'\npathes = []\n[slak]")

    assert found == [
        "http.timeuot: unknown option; did you mean timeout?",
        "inventory[0].pathes: unknown option; did you mean paths?",
        "slak: unknown option; did you mean slack?",
    ]


def test_an_unknown_option_without_a_near_one_lists_what_is_known(tmp_path: Path) -> None:
    found = complaints(tmp_path, "[registry]\nxyzzy = 1")

    assert found == ["registry.xyzzy: unknown option; known are approved_by, kind, owner, path, tier"]


def test_a_registry_that_names_nobody_needs_somebody_who_answers(tmp_path: Path) -> None:
    [complaint] = complaints(tmp_path, '[registry]\nkind = "toolhive"\nowner = "platform"')

    assert complaint == "registry: expected owner and approved_by: a registry of kind toolhive names neither"


@pytest.mark.parametrize("kind", ["yaml", "mcp-registry", "toolhive", "docker"])
def test_every_kind_of_registry_is_opened(tmp_path: Path, kind: str) -> None:
    settings = read(tmp_path, f'[registry]\nkind = "{kind}"\nowner = "platform"\napproved_by = "keeper"')

    with pytest.raises(Unavailable, match=kind if kind != "yaml" else "registry-file"):
        wiring.registry_source(settings).read()


def test_an_unknown_kind_of_inventory_is_named(tmp_path: Path) -> None:
    found = complaints(tmp_path, '[[inventory]]\nkind = "osquerry"')

    assert found == [
        "inventory[0].kind: expected one of mcp-config, inventory-file, inventory-folder, csv, osquery, kubernetes, sbom"
    ]


def test_a_key_with_a_dot_is_quoted(tmp_path: Path) -> None:
    assert complaints(tmp_path, '[policy.channels_by_owner]\n"a.b" = 3')[0].startswith(
        'policy.channels_by_owner."a.b": '
    )


def test_a_section_that_is_no_table_is_told_so(tmp_path: Path) -> None:
    assert complaints(tmp_path, "http = 3") == ["http: expected a table: [http]"]


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: no such file; copy config\.example\.toml"):
        load(tmp_path / "nowhere.toml", {})


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path, {})


@pytest.mark.parametrize(
    "content",
    [
        b"[http",
        b"\xff\xfe",
        b"a = " + b"[" * 5000,
        b"a = " + b"9" * 5000,
        b"a = 1\na = 2",
        b"#" * (2**20 + 1),
        b"a = 1979-13-45",
    ],
)
def test_what_is_no_toml_is_one_clear_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content)

    with pytest.raises(ConfigError) as raised:
        load(path, {})

    assert len(str(raised.value).splitlines()) == 1


def test_control_characters_in_keys_do_not_reach_a_terminal(tmp_path: Path) -> None:
    [complaint] = complaints(tmp_path, '[http]\n"\\u001b[31mred" = 1')

    assert "\x1b" not in complaint


def test_a_channel_that_slack_does_not_have_is_an_error(tmp_path: Path) -> None:
    text = '[slack.webhooks_env]\ndefault = "HOOK"\n[policy.channels_by_owner]\nteam = "teem"'

    found = complaints(tmp_path, text, {"HOOK": "https://hooks.example/1"})

    assert found == ["expected a channel of [slack] for each name in [policy]; 'teem' has none"]


@pytest.mark.parametrize(
    "expression", ["* * * *", "60 * * * *", "* * 1 * 1", "* * * * mon-sun/9", "* * * * 5-1", "@daily", "x"]
)
def test_what_is_no_cron_expression_is_refused(tmp_path: Path, expression: str) -> None:
    [complaint] = complaints(tmp_path, f'[schedule]\ndigest = "{expression}"')

    assert complaint.startswith("schedule.digest: expected ")


def test_an_unknown_time_zone_is_refused(tmp_path: Path) -> None:
    assert complaints(tmp_path, '[schedule]\ntimezone = "Mars/Base"') == [
        "schedule.timezone: expected an IANA time zone such as UTC or Europe/Berlin"
    ]


# --- secrets ------------------------------------------------------------------------------------------------------------

JIRA = '[jira]\nurl = "https://jira.example"\nproject = "SEC"\n'


def test_a_secret_comes_from_the_environment(tmp_path: Path) -> None:
    settings = read(tmp_path, JIRA + 'token_env = "T"', {"T": "hunter2-hunter2"})

    assert settings.secret("jira.token") == "hunter2-hunter2"


def test_a_secret_comes_from_a_file_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("hunter2-hunter2\n")

    settings = read(tmp_path, JIRA + 'token_file = "token"')

    assert settings.secret("jira.token") == "hunter2-hunter2"


def test_a_secret_is_not_shown_by_its_holder(tmp_path: Path) -> None:
    settings = read(tmp_path, JIRA + 'token_env = "T"', {"T": "hunter2-hunter2"})

    assert "hunter2" not in repr(settings)


def test_a_secret_in_the_configuration_file_is_refused_and_not_repeated(tmp_path: Path) -> None:
    found = complaints(tmp_path, JIRA + 'token_env = "T"\ntoken = "hunter2-hunter2"', {"T": "x"})

    assert found == ["jira.token: secrets do not stand in this file: name them with token_env or token_file"]


def test_a_password_in_the_databases_address_is_refused_and_not_repeated(tmp_path: Path) -> None:
    [complaint] = complaints(tmp_path, '[store]\nurl = "postgresql://u:hunter2@db.example/m"')

    assert complaint.startswith("store.url: expected an address without a password")
    assert "hunter2" not in complaint


def test_credentials_in_a_sources_address_are_refused_and_not_repeated(tmp_path: Path) -> None:
    [complaint] = complaints(tmp_path, '[sources.npm]\nurl = "https://u:hunter2@registry.example"')

    assert complaint.startswith("sources.npm.url: expected an address without credentials")
    assert "hunter2" not in complaint


def test_the_databases_address_with_its_password_comes_from_the_environment(tmp_path: Path) -> None:
    settings = read(tmp_path, '[store]\nurl_env = "DB"', {"DB": "postgresql+psycopg://u:pw@db.example/m"})

    assert settings.store_url == "postgresql+psycopg://u:pw@db.example/m"


def test_a_databases_address_from_the_environment_is_checked_and_not_repeated(tmp_path: Path) -> None:
    found = complaints(tmp_path, '[store]\nurl_env = "DB"', {"DB": "mysql://u:hunter2@db.example/m"})

    assert found == ["store.url_env: expected sqlite:///FILE or postgresql://HOST/NAME"]


@pytest.mark.parametrize("environ", [{}, {"T": ""}])
def test_a_named_variable_that_is_not_set_is_an_error(tmp_path: Path, environ: Given) -> None:
    found = complaints(tmp_path, JIRA + 'token_env = "T"', environ)

    assert found == ["jira.token_env: expected the environment variable T to hold the secret; it is not set"]


def test_a_secrets_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    [complaint] = complaints(tmp_path, JIRA + 'token_file = "token"')

    assert complaint.startswith("jira.token_file: expected a readable file at ")


def test_a_secret_of_two_lines_could_split_a_header_and_is_refused_without_being_shown(tmp_path: Path) -> None:
    [complaint] = complaints(tmp_path, JIRA + 'token_env = "T"', {"T": "hunter2\nX-Evil: 1"})

    assert complaint == "jira.token_env: expected the secret to be one word of visible characters"


def test_two_places_for_one_secret_are_refused(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a")

    [complaint] = complaints(tmp_path, JIRA + 'token_env = "T"\ntoken_file = "token"', {"T": "b"})

    assert complaint.startswith("jira.token_file: expected one of the two")


def test_githubs_token_may_be_missing(tmp_path: Path) -> None:
    assert read(tmp_path, "").secret("sources.github.token") is None


def test_a_webhook_is_a_secret(tmp_path: Path) -> None:
    settings = read(tmp_path, '[slack.webhooks_env]\ndefault = "HOOK"', {"HOOK": "https://hooks.example/s3cret"})

    assert settings.secret("slack.webhooks.default") == "https://hooks.example/s3cret"
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[jira]\nurl = "https://jira.example"', "jira: expected `project`"),
        ('[jira]\nurl = "https://jira.example"\nproject = "SEC"', "jira: expected `token_env` or `token_file`"),
        ('[slack]\ntoken_env = "T"', "slack: expected `token_env` or `token_file` together with `channels`"),
        ('[slack.channels]\ndefault = "C1"', "slack: expected `token_env` or `token_file` together with `channels`"),
        ('[slack]\ntoken_env = "T"\nchannels = {a = "C"}\nwebhooks_env = {a = "H"}', "slack: expected a token with"),
    ],
)
def test_half_a_service_is_an_error(tmp_path: Path, text: str, expected: str) -> None:
    assert complaints(tmp_path, text)[0].startswith(expected)
