"""The monitor's own blindness is a finding like any other."""

from collections.abc import Iterable

from monitor.domain.finding import Fact, Finding, Severity, Unseen, Verdicts
from monitor.domain.snapshot import Ourselves
from monitor.domain.unknown import Unknown

MONITOR = "mcp-monitor"
"""Stands for the server in findings about ourselves."""


def source_unknown(ourselves: Ourselves) -> Iterable[Finding]:
    """A source, or what it says of one server, could not be had for longer than the configured time.

    Harm: whatever happens there goes unseen; silence would read as "all clear".
    Evidence: the time of its last answer.
    False positives: none.
    Remedy: `mcp-monitor doctor` names the address, the error and what to do.
    """
    for health in ourselves.health:
        if health.failing_since is None or ourselves.taken_at - health.failing_since < ourselves.silent_after:
            continue
        answered = f"{health.answered_at:%Y-%m-%d %H:%M} UTC" if health.answered_at else "never"
        yield Finding(
            rule="source-unknown",
            server=MONITOR,
            subject=health.source,
            severity=Severity.HIGH,
            summary=f"{_what(health.source)} since {health.failing_since:%Y-%m-%d %H:%M} UTC",
            facts=(Fact("last answer", answered, MONITOR), Fact("last error", health.detail, health.source)),
        )


def _what(source: str) -> str:
    kind, _, name = source.partition(":")
    match kind:
        case "server":
            return f"{name} could not be fully checked"
        case "inventory":
            return f"the inventory {name} could not be read"
        case _:
            return f"{source} has not answered"


def registry_unreadable(ourselves: Ourselves) -> Iterable[Finding]:
    """The registry file as a whole cannot be read, so that nothing is watched.

    Harm: no server is watched while people believe that all are.
    Evidence: the file, and what is wrong with it.
    False positives: none.
    Remedy: mend the file; its history is in your git.
    """
    if isinstance(ourselves.registry, Unknown):
        yield Finding(
            rule="registry-unreadable",
            server=MONITOR,
            subject="registry",
            severity=Severity.CRITICAL,
            summary=f"nothing is watched: {ourselves.registry}",
        )


def registry_entry_invalid(ourselves: Ourselves) -> Verdicts:
    """An entry of the registry file cannot be read, so that its server is not watched.

    Harm: a server that people believe to be watched is not.
    Evidence: the file's line, and what was expected there.
    False positives: none.
    Remedy: mend the line that is named.
    """
    if isinstance(ourselves.registry, Unknown):
        yield Unseen("registry-entry-invalid", MONITOR)
        return
    for problem in ourselves.registry.problems:
        yield Finding(
            rule="registry-entry-invalid",
            server=MONITOR,
            subject=f"{problem.name} {problem.message}",
            severity=Severity.HIGH,
            summary=f"{ourselves.registry.path}, line {problem.line}: {problem.name}: {problem.message}",
        )


def undeliverable(ourselves: Ourselves) -> Iterable[Finding]:
    """A ticket or a message could not be delivered for a day, so that somebody was not told.

    Harm: a finding that nobody hears of.
    Evidence: the receiver's last answer.
    False positives: none.
    Remedy: mend what the receiver names; `mcp-monitor doctor` checks credentials, channels and required fields. It is tried on for 30 days.
    """
    for given_up in ourselves.undeliverable:
        yield Finding(
            rule="undeliverable",
            server=MONITOR,
            subject=given_up.key,
            severity=Severity.HIGH,
            summary=f"could not be delivered: {given_up.what}",
            facts=(Fact("last answer", given_up.error, "outbox"),),
        )


def trust_root_old(ourselves: Ourselves) -> Iterable[Finding]:
    """A trust root is older than the configured time.

    Harm: what was signed under newer authorities, logs or keys ends in "cannot tell", and a revoked one is still trusted.
    Evidence: the day in the name of the file.
    False positives: a root that has not changed since, and is therefore still complete.
    Remedy: `mcp-monitor roots refresh`, a newer program, or a newer file in [verification].
    """
    for root in ourselves.trust_roots:
        age = ourselves.taken_at - root.dated
        if age > ourselves.roots_old_after:
            yield Finding(
                rule="trust-root-old",
                server=MONITOR,
                subject=root.name,
                severity=Severity.LOW,  # what it really costs is a finding of its own: `cannot-tell`
                summary=f"the trust root {root.name} is of {root.dated:%Y-%m-%d}, older than {ourselves.roots_old_after.days} days",
                facts=(Fact("file", root.path, MONITOR), Fact("remedy", "mcp-monitor roots refresh", MONITOR)),
            )
