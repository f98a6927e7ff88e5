"""Config -> where people are told and decide, and what hears of it: tracker, channels, buttons, SIEMs, signed checkpoints."""

from typing import TextIO

from connectors import checkpoint_folder, console, jira, siem_file, siem_http, siem_syslog, slack, slack_socket
from connectors._edge.http import Http
from monitor.config import Config
from monitor.config_siem import AnySiem, SiemFile, SiemHttp, SiemSyslog
from monitor.ports.buttons import ButtonSource
from monitor.ports.channels import AlertChannel, CheckpointKeeper, EventSink, TicketTracker
from monitor.settings import Settings


def sink(given: AnySiem, settings: Settings, edge: Http) -> EventSink:
    """Open one SIEM."""
    match given:
        case SiemFile():
            return siem_file.build(name=given.name, path=given.path)
        case SiemSyslog():
            return siem_syslog.build(name=given.name, host=given.host, port=given.port, tls=given.tls, ca=given.ca)
        case SiemHttp():
            token = settings.secret(f"siem.{given.name}.token")
            return siem_http.build(edge, name=given.name, url=given.url, form=given.format, token=token)


def checkpoints(config: Config) -> CheckpointKeeper | None:
    """Open where signed checkpoints are kept; None: nothing is signed."""
    given = config.audit
    if given.checkpoints is None or given.signing_key_file is None:
        return None
    return checkpoint_folder.build(folder=given.checkpoints, key_file=given.signing_key_file)


def tickets(settings: Settings, edge: Http, out: TextIO) -> TicketTracker:
    """Open the tracker; without one tickets are printed."""
    given = settings.config.jira
    token = settings.secret("jira.token")
    if not given.url or not token:
        return console.Tickets(out)
    return jira.build(
        edge,
        base=given.url,
        flavour=given.flavour,
        project=given.project,
        issue_type=given.issue_type,
        email=given.email,
        token=token,
        labels=given.labels,
        priorities={severity.value: name for severity, name in given.priorities.items()},
        fields=given.fields,
        statuses=given.statuses.model_dump(),
        approvals=given.approvals,
    )


def button_source(settings: Settings) -> ButtonSource | None:
    """Open what hears of buttons that are pressed; None: no buttons are configured, or the app-level token is not there."""
    given = settings.config.slack
    token, app_token = settings.secret("slack.token"), settings.secret("slack.app_token")
    if not given.buttons or not token or not app_token:
        return None
    timeout = settings.config.http.timeout.total_seconds()
    return slack_socket.build(app_token=app_token, token=token, base_url=given.api, timeout=timeout)


def alerts(settings: Settings, out: TextIO) -> AlertChannel:
    """Open where people are told; without it messages are printed."""
    given = settings.config.slack
    timeout = settings.config.http.timeout.total_seconds()
    people = settings.config.people
    mentions = {
        owner: tuple(slack_id for name in names if (slack_id := people[name].slack))
        for owner, names in given.mentions.items()
    }
    if token := settings.secret("slack.token"):
        return slack.build(
            channels=given.channels,
            token=token,
            mentions=mentions,
            buttons=given.buttons,
            base_url=given.api,
            timeout=timeout,
        )
    webhooks = {name: url for name in given.names if (url := settings.secret(f"slack.webhooks.{name}"))}
    return slack.build(channels=webhooks, mentions=mentions, timeout=timeout) if webhooks else console.Alerts(out)
