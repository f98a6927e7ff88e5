"""The tables of the audit report: their titles, columns, and what each holds and does not."""

from collections.abc import Iterable, Mapping

from monitor.reports.section import Section

Row = tuple[str, ...]
SERVERS = (
    "server",
    "package or address",
    "owner",
    "tier",
    "stage",
    "listed since",
    "listed until",
    "approved versions",
)
APPROVALS = (
    "server",
    "version",
    "pin",
    "approved by",
    "approved on",
    "ends",
    "ticket",
    "in the registry from",
    "until",
    "review",
    "votes",
    "verdicts",
    "digests",
    "publisher",
    "evidence (sha256)",
)
DEPLOYMENTS = (
    "approved",
    "why",
    "server",
    "host",
    "client",
    "runs",
    "from",
    "until",
    "last seen",
    "location",
    "disabled",
)
ACCESSED = ("target", "server", "version", "approved", "why", "connections", "people", "first", "last")
CONNECTIONS = (
    "at",
    "server",
    "as logged",
    "version",
    "target",
    "person",
    "client",
    "remote",
    "approved",
    "why",
    "log",
    "id",
)
UNKNOWNS = ("what", "of", "times", "from", "until", "detail")
WAIVERS = ("kind", "rule", "server", "subject", "by", "reason", "given", "ends", "taken back")
DECISIONS = ("at", "server", "version", "pin", "said", "by", "via", "ticket", "the review is", "reason")
REJECTED = ("server", "version", "pin", "by", "on", "via", "ticket", "reason", "asked anew by")

TABLES: Mapping[str, tuple[str, tuple[str, ...], str, str]] = {
    "summary": ("In short", ("what", "how many"), "", ""),
    "servers": (
        "Servers that were listed",
        SERVERS,
        "As they were last in the quarter.",
        "No server was listed, as far as is known.",
    ),
    "approvals": (
        "Versions that were approved, by whom, on what evidence",
        APPROVALS,
        "Verdicts as recorded last. `mcp-monitor evidence SERVER VERSION` hands the evidence out.",
        "Nothing was approved.",
    ),
    "decisions": (
        "What was said of versions under review",
        DECISIONS,
        (
            "Every word that counted and was heard in the quarter, whether it was enough or not, is in the registry or not, and whether "
            "the version was asked about anew since or not."
        ),
        "Nobody decided anything.",
    ),
    "deployments": (
        "Deployments outside approval",
        DEPLOYMENTS,
        "What ran and was not, or is not known to be, approved at that time; cut where the answer changes. Times as inventories saw it.",
        "Nothing that ran was outside approval, as far as inventories saw.",
    ),
    "accessed": (
        "Servers that were used, and whether they were approved then",
        ACCESSED,
        "From the gateways' logs that were ingested: what does not pass a gateway is not in it.",
        "No connection of that time was ingested: what was used is not known.",
    ),
    "connections": (
        "Connections",
        CONNECTIONS,
        "Each connection, oldest first.",
        "No connection of that time was ingested.",
    ),
    "unknown": (
        "What was not known",
        UNKNOWNS,
        "Times in which nothing looked, sources and hosts that were silent, servers nothing is known of.",
        "Everything that was asked was answered.",
    ),
    "waivers": (
        "Waivers and acknowledgements",
        WAIVERS,
        "Those that held in the quarter, if only for a part.",
        "None held.",
    ),
    "rejected": (
        "Versions that were rejected",
        REJECTED,
        "Each rejection until the quarter's end; it stands until somebody asks anew about the version.",
        "None.",
    ),
    "log": (
        "The audit log",
        ("what", "value"),
        "Compare it with checkpoints that are kept elsewhere: audit verify.",
        "",
    ),
}


def section(name: str, rows: Iterable[Row]) -> Section:
    """Make the table of that name."""
    title, header, note, empty = TABLES[name]
    return Section(name, title, note, header, rows, empty or "None.")
