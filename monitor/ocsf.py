"""Audit events as OCSF 1.6.0: what a SIEM hears of findings (2002, 2003) and of approvals (3004). Pure.

Each event carries its place in the audit chain (`metadata.sequence`) and its link's hash (`metadata.uid`): sent twice it is known again,
and what a SIEM keeps proves the chain from outside. Only attributes are used that OCSF 1.6.0 has and 1.9 still has. https://schema.ocsf.io/1.6.0/
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.domain.audit import AuditEvent, Sealed
from monitor.domain.purl import Purl
from monitor.domain.text import one_line

VERSION = "1.6.0"
PRODUCT = "mcp-monitor"
VULNERABILITY, COMPLIANCE, ENTITY = 2002, 2003, 3004
"""Classes; the thousands are the category."""

Object = Mapping[str, "Value"]
Value = str | int | bool | Sequence["Value"] | Object

CREATE, UPDATE, CLOSE = 1, 2, 3
NEW, IN_PROGRESS, RESOLVED = 1, 2, 4

ADVISORIES = frozenset({"affected", "dependency-affected", "malware", "shadow-malware", "risk-changed"})
"""Rules whose findings are about advisories."""
SEVERITIES = {
    "info": (1, "Informational"),
    "low": (2, "Low"),
    "medium": (3, "Medium"),
    "high": (4, "High"),
    "critical": (5, "Critical"),
}
OF_FINDINGS = {
    "finding.opened": (CREATE, NEW),
    "finding.recurred": (UPDATE, IN_PROGRESS),
    "finding.changed": (UPDATE, IN_PROGRESS),
    "finding.resolved": (CLOSE, RESOLVED),
}
"""Verb -> activity and status."""


@dataclass(frozen=True, slots=True)
class Step:
    """What became of an approval: OCSF's activity, and our word for it."""

    activity: int
    word: str
    severity: str = "info"


OF_APPROVALS = {
    "server.submitted": Step(1, "a server was submitted"),
    "server.retired": Step(9, "a server was retired"),
    "registry.entry-added": Step(1, "a server was listed"),
    "registry.entry-changed": Step(3, "the approval of a server was changed in the registry"),
    "registry.entry-removed": Step(4, "a server left the registry"),
    "review.detected": Step(12, "a re-approval is needed", "medium"),
    "review.ticketed": Step(3, "a re-approval has its ticket"),
    "review.in-review": Step(3, "a re-approval was taken up"),
    "review.voted": Step(3, "somebody spoke on a re-approval"),
    "review.approved": Step(13, "a version was approved"),
    "review.rejected": Step(11, "a version was rejected", "medium"),
    "review.superseded": Step(3, "a newer version took the place of the one under review"),
    "review.withdrawn": Step(3, "the cause of a re-approval is gone"),
    "review.reopened": Step(12, "a decision is asked for anew", "medium"),
    "proposal.unreviewed": Step(3, "a version came into the registry without the review it needs", "high"),
    "recertification.retired": Step(9, "a server was retired in the quarterly review"),
}
"""Verb -> step. 1 Create, 3 Update, 4 Delete, 9 Disable, 11 Deactivate, 12 Suspend, 13 Resume."""

CVE = re.compile(r"CVE-\d{4}-\d{4,}")
LONGEST = 2000
"""Characters of a text from outside."""


def ocsf(sealed: Sealed, event: AuditEvent, *, version: str) -> Object | None:
    """Return the event for a SIEM; None: it is none of a SIEM's business. `version` is the program's."""
    if event.verb in OF_FINDINGS:
        rule = event.detail.get("rule", "")
        kind = VULNERABILITY if rule in ADVISORIES else COMPLIANCE
        activity, status = OF_FINDINGS[event.verb]
        severity = event.detail.get("severity", "info")
        return {
            **_base(sealed, event, kind=kind, activity=activity, severity=severity, version=version),
            "status_id": status,
            "confidence_id": {"low": 1, "medium": 2, "high": 3}.get(event.detail.get("confidence", ""), 0),
            "message": _text(event.detail.get("summary", rule)),
            **({"status_detail": _text(note)} if (note := event.detail.get("note")) else {}),
            "finding_info": _finding_info(event, kind),
            **(_vulnerabilities(event) if kind == VULNERABILITY else _compliance(event, resolved=status == RESOLVED)),
            "resources": [{"uid": event.subject, "name": event.subject, "type": "MCP server"}],
        }
    step = OF_APPROVALS.get(event.verb)
    if step is None:
        return None
    return {
        **_base(sealed, event, kind=ENTITY, activity=step.activity, severity=step.severity, version=version),
        "status_id": 1,
        "message": f"{step.word}: {_text(event.subject)}",
        "comment": _text(", ".join(f"{label} {value}" for label, value in sorted(event.detail.items()) if value)),
        "actor": {"user": {"name": _text(event.actor)}, "app_name": PRODUCT},
        "entity": _entity(event),
    }


def _base(sealed: Sealed, event: AuditEvent, *, kind: int, activity: int, severity: str, version: str) -> Object:
    number, words = SEVERITIES.get(severity, (0, "Unknown"))
    return {
        "class_uid": kind,
        "category_uid": kind // 1000,
        "activity_id": activity,
        "type_uid": kind * 100 + activity,
        "severity_id": number,
        "severity": words,
        "time": _milliseconds(event),
        "metadata": {
            "version": VERSION,
            "uid": sealed.hash,
            "sequence": sealed.seq,
            "product": {"name": PRODUCT, "vendor_name": PRODUCT, "version": version},
        },
    }


def _finding_info(event: AuditEvent, kind: int) -> Object:
    when = {CREATE: "created_time", CLOSE: "last_seen_time"}.get(OF_FINDINGS[event.verb][0], "modified_time")
    return {
        "uid": event.detail.get("fingerprint", ""),
        "title": _text(event.detail.get("summary", "")),
        "types": ["Vulnerability" if kind == VULNERABILITY else "Compliance"],
        "analytic": {"type_id": 1, "uid": event.detail.get("rule", ""), "name": event.detail.get("rule", "")},
        when: _milliseconds(event),
    }


def _vulnerabilities(event: AuditEvent) -> Object:
    """One vulnerability for each CVE, or one by its advisory: OCSF takes exactly one of the two for each."""
    names = [name.strip() for name in event.detail.get("identifiers", "").split(",") if name.strip()]
    cves = [name for name in names if CVE.fullmatch(name)]
    others = [_text(name) for name in names if name not in cves]
    title, severity = (
        _text(event.detail.get("summary", "")),
        SEVERITIES.get(event.detail.get("severity", ""), (0, "Unknown"))[1],
    )
    package = _package(event.detail.get("version", ""))
    shared: dict[str, Value] = {"title": title, "severity": severity}
    if package:
        shared["affected_packages"] = [package]
    if others:
        shared["references"] = others
    if cves:
        return {"vulnerabilities": [{"cve": {"uid": name}, **shared} for name in cves[:20]]}
    uid = others[0] if others else _text(event.detail.get("subject", ""))
    return {"vulnerabilities": [{"advisory": {"uid": uid, "title": title}, **shared}]}


def _compliance(event: AuditEvent, *, resolved: bool) -> Object:
    return {
        "compliance": {
            "control": event.detail.get("rule", ""),
            "standards": ["MCP server allowlist"],
            "status_id": 1 if resolved else 3,
            "status": "Pass" if resolved else "Fail",
        }
    }


def _package(text: str) -> Object | None:
    """OCSF wants a name and a version; what has none is left out."""
    try:
        purl = Purl.parse(text) if text else None
    except ValueError:
        return None
    if purl is None or not purl.version:
        return None
    return {"name": purl.label, "version": purl.version, "purl": str(purl), "package_manager": purl.type}


def _entity(event: AuditEvent) -> Object:
    version = event.detail.get("version") or event.detail.get("approved") or ""
    package = _package(version)
    return {
        "uid": _text(event.subject),
        "name": _text(event.subject),
        "type": "MCP server approval",
        **({"version": str(package["version"])} if package else {}),
    }


def _milliseconds(event: AuditEvent) -> int:
    return int(event.at.timestamp() * 1000)


def _text(text: str) -> str:
    return one_line(text, LONGEST)
