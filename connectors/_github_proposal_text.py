"""What a proposal says: its branch, its title, its text. Names and versions are strangers' words, and become nothing but text."""

import re

from monitor.domain.action import ListServer, RetireServer, WritePin
from monitor.domain.fingerprint import fingerprint
from monitor.domain.server import Approval
from monitor.domain.text import one_line
from monitor.ports.channels import Change

LONGEST_NAME = 100
"""Characters of a server's name in a branch's."""


def branch_of(change: Change) -> str:
    """Return the branch: one for each pin and each question about it, so that an old answer is never one to a new question."""
    slug = re.sub(r"[^A-Za-z0-9-]+", "-", change.server).strip("-")[:LONGEST_NAME]
    match change:
        case WritePin():
            question = f"-{change.fingerprint[:8]}" if change.fingerprint else ""
            return f"mcp-monitor/{slug}-{change.approval.pin.fingerprint}{question}"
        case ListServer() | RetireServer():
            return f"mcp-monitor/{slug}-{fingerprint(change.key)}"


def title_of(change: Change) -> str:
    """Return the title; also the commit's message."""
    server = _inert(change.server)
    match change:
        case WritePin():
            version = _inert(change.approval.pin.purl.version or "")
            return f"Approve {server} {version}".strip()
        case ListServer():
            return f"List {server}"
        case RetireServer():
            return f"Retire {server}"


def body_of(change: Change) -> str:
    """Return the text: what was decided, in a block in which nothing is markup, a mention or a link."""
    match change:
        case WritePin():
            lines = [f"server      {change.server}", *_approval(change.approval)]
            lines.append(f"before      {change.before or 'nothing'}")
        case ListServer():
            approval = change.entry.approval
            lines = [f"server      {change.server}", f"owner       {change.entry.server.owner}"]
            lines += _approval(approval) if approval else []
        case RetireServer():
            lines = [f"server      {change.server}", f"by          {change.by}", f"reason      {change.reason}"]
    text = "\n".join(one_line(line, 500).replace("`", "'") for line in lines)
    return (
        f"```\n{text}\n```\n\n"
        "Merged after the review of a code owner who may approve, this is the approval. Closed unmerged, it is a rejection."
    )


def _approval(approval: Approval) -> list[str]:
    pin = approval.pin
    publisher = f"{pin.publisher.repository} {pin.publisher.workflow} ({pin.publisher.issuer})" if pin.publisher else ""
    said = {
        "version": str(pin.purl),
        "digests": ", ".join(sorted(map(str, pin.digests))),
        "publisher": publisher,
        "fingerprint": pin.fingerprint,
        "approved by": approval.approved_by,
        "on": f"{approval.approved_at:%Y-%m-%d %H:%M} UTC" if approval.approved_at else "",
        "expires": f"{approval.expires_at:%Y-%m-%d}" if approval.expires_at else "",
        "ticket": approval.ticket,
    }
    return [f"{name:<11} {value}" for name, value in said.items() if value]


def _inert(text: str) -> str:
    """Leave out what makes a mention or a reference to an issue."""
    return re.sub(r"[@#]", "", one_line(text, 100))
