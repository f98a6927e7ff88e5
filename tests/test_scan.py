import json
import os
from pathlib import Path

import pytest

from connectors._host_report import read_report
from monitor import cli, wiring
from monitor.commands.scan import scan_host
from monitor.domain.purl import Purl
from monitor.ending import ExitCode, Stop
from tests.connectors.homes import config, npx, write


def test_a_home_is_reported_without_any_configuration(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    config(tmp_path, "npx", "-y", "@acme/mcp")
    npx(tmp_path, "@acme/mcp", "@acme/mcp", "3.1.4")

    code = cli.main(["scan", "--home", str(tmp_path), "--host", "laptop-7"])

    report = read_report(capsysbinary.readouterr().out, "stdout")
    assert code == ExitCode.QUIET
    assert report.about.host == "laptop-7"
    assert [each.runs for each in report.deployments] == [Purl.npm("@acme/mcp", "3.1.4")]


def test_a_hyphen_is_stdout_and_another_option_is_no_file(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    config(tmp_path, "npx", "acme@1.0.0")

    code = cli.main(["scan", "--home", str(tmp_path), "--output", "-", "--host", "laptop-7"])
    swallowed = cli.main(["scan", "--home", str(tmp_path), "--output", "--host", "laptop-7"])

    assert (code, swallowed) == (ExitCode.QUIET, ExitCode.USAGE)
    assert read_report(capsysbinary.readouterr().out, "stdout").about.host == "laptop-7"


def test_several_homes_are_one_report_and_each_server_has_its_user(tmp_path: Path) -> None:
    for user in ("rita", "omar"):
        config(tmp_path / user, "npx", "acme@1.0.0")

    scan_host(
        [tmp_path / "rita", tmp_path / "omar"], host="h", output=str(tmp_path / "out"), token_env="", root=tmp_path
    )

    lines = [json.loads(line) for line in (tmp_path / "out").read_bytes().splitlines()]
    assert [line["user"] for line in lines[1:]] == ["rita", "omar"]
    assert lines[0]["deployments"] == 2


def test_what_holds_for_the_whole_machine_is_reported_once(tmp_path: Path) -> None:
    for user in ("rita", "omar"):
        (tmp_path / user).mkdir()
    write(tmp_path / "etc/claude-code/managed-mcp.json", {"mcpServers": {"x": {"command": "npx", "args": ["acme"]}}})
    write(tmp_path / "etc/codex/requirements.toml", "[mcp_servers.x]\n")

    scan_host(
        [tmp_path / "rita", tmp_path / "omar"], host="h", output=str(tmp_path / "out"), token_env="", root=tmp_path
    )

    report = read_report((tmp_path / "out").read_bytes(), "out")
    assert [(each.client, each.name) for each in report.deployments] == [("claude-code", "x")]
    assert [each.client for each in report.about.policies if each.sha256] == ["codex"]


def test_no_secret_of_a_configuration_is_in_the_report(tmp_path: Path) -> None:
    secret = "c2VjcmV0LXRva2VuLWhlcmU"
    entries = {
        "a": {"command": "npx", "args": ["acme", "--token", secret], "env": {"NPM_CONFIG_REGISTRY": secret}},
        "b": {"url": f"https://u:{secret}@mcp.example/s/{secret}?k={secret}", "headers": {"Authorization": secret}},
        "c": {"command": "node", "args": [f"/x/{secret}.js", secret]},
        "d": {"command": "npx", "args": [f"git+https://{secret}@github.com/a/b"]},
        "e": {"command": "sh", "args": ["-c", f"TOKEN={secret} uvx acme"]},
    }
    write(tmp_path / ".cursor/mcp.json", {"mcpServers": entries})

    scan_host([tmp_path], host="h", output=str(tmp_path / "out"), token_env="", root=tmp_path)

    data = (tmp_path / "out").read_text("utf-8")
    assert len(data.splitlines()) == 6
    assert secret not in data


def test_what_cannot_be_read_is_told_and_makes_the_report_incomplete(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config(tmp_path, "npx", "acme")
    write(tmp_path / ".lmstudio/mcp.json", "{")

    code = scan_host([tmp_path], host="h", output=str(tmp_path / "out"), token_env="", root=tmp_path)

    head = json.loads((tmp_path / "out").read_bytes().splitlines()[0])
    assert code == ExitCode.UNCHECKED
    assert (head["complete"], head["problems"]) == (False, 1)
    assert ".lmstudio/mcp.json: line 1" in capsys.readouterr().err


def test_a_home_that_is_not_there_and_a_token_that_is_not_set_are_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(Stop, match="is no folder"):
        scan_host([tmp_path / "none"], host="h", output="-", token_env="", root=tmp_path)
    with pytest.raises(Stop, match="to hold the token"):
        scan_host([tmp_path], host="h", output="-", token_env="NOT_SET_ANYWHERE", root=tmp_path)


def test_a_receiver_that_is_away_is_told(tmp_path: Path) -> None:
    with pytest.raises(Stop) as caught:
        scan_host([tmp_path], host="h", output="http://127.0.0.1:9/v1/inventory", token_env="", root=tmp_path)

    assert caught.value.code == ExitCode.UNCHECKED


def test_homes_of_another_machine_are_not_reported_with_this_ones_folders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config(tmp_path / "rita", "npx", "acme@1.0.0")
    write(tmp_path / "root/etc/codex/requirements.toml", "[mcp_servers.x]\n")
    out = tmp_path / "out"

    scan_host([tmp_path / "rita"], host="laptop-7", output=str(out), token_env="")
    without = read_report(out.read_bytes(), "out")
    said = capsys.readouterr().err
    scan_host([tmp_path / "rita"], host="laptop-7", output=str(out), token_env="", root=tmp_path / "root")
    mounted = read_report(out.read_bytes(), "out")

    assert without.about.policies == ()
    assert "--root says where laptop-7's are mounted" in said
    assert [each.location for each in mounted.about.policies] == [str(tmp_path / "root/etc/codex/requirements.toml")]


def test_a_project_that_is_named_is_read(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    write(tmp_path / "work/.vscode/mcp.json", {"servers": {"x": {"command": "npx", "args": ["acme@1.0.0"]}}})

    code = cli.main(
        [
            *("scan", "--home", str(tmp_path / "home"), "--project", str(tmp_path / "work")),
            *("--root", str(tmp_path), "--output", str(tmp_path / "out")),
        ]
    )

    [found] = read_report((tmp_path / "out").read_bytes(), "out").deployments
    assert (code, found.client, found.name) == (ExitCode.QUIET, "vscode", "x")


def test_a_report_may_be_read_by_those_whom_the_umask_lets(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        scan_host([tmp_path], host="h", output=str(tmp_path / "out"), token_env="", root=tmp_path)
    finally:
        os.umask(before)

    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("host", ["a\nb", "x" * 256, "  "])
def test_a_name_that_no_receiver_takes_is_refused_at_once(tmp_path: Path, host: str) -> None:
    with pytest.raises(Stop, match="--host") as caught:
        scan_host([tmp_path], host=host, output="-", token_env="", root=tmp_path)

    assert caught.value.code == ExitCode.USAGE


@pytest.mark.parametrize(
    ("output", "why"),
    [("ftp://x.example/y", "expected a file"), ("", "is a folder"), ("none/out", "No such file or directory$")],
)
def test_an_output_that_is_none_is_wrong_usage_without_names_of_ours(tmp_path: Path, output: str, why: str) -> None:
    place = output if "://" in output else str(tmp_path / output)

    with pytest.raises(Stop, match=why) as caught:
        scan_host([tmp_path], host="h", output=place, token_env="", root=tmp_path)

    assert caught.value.code == ExitCode.USAGE
    assert ".new" not in str(caught.value)


def test_a_token_does_not_travel_where_anybody_can_read_it(tmp_path: Path) -> None:
    with pytest.raises(Stop, match="https alone") as caught:
        scan_host(
            [tmp_path],
            host="h",
            output="http://monitor.example/v1/inventory",
            token_env="T",
            root=tmp_path,
            environ={"T": "x"},
        )

    assert caught.value.code == ExitCode.USAGE


def test_a_machine_is_known_by_its_name_with_and_without_its_domain(tmp_path: Path) -> None:
    write(tmp_path / ".cursor/mcp.json", {"mcpServers": {}})
    own = wiring.host_name().partition(".")[0]

    scan_host([tmp_path], host=f"{own.upper()}.corp.example", output=str(tmp_path / "out"), token_env="")

    assert read_report((tmp_path / "out").read_bytes(), "out").about.host == f"{own.upper()}.corp.example"
