"""The rules: pure functions, one module per theme. This list is the only register.

A rule's name is its id (`new_release` is `new-release`), its docstring its documentation. It yields a `Finding` for each thing it
sees, and `Unseen` for what it could not judge this time, so that nothing is resolved by a look that saw nothing.
"""

from collections.abc import Callable

from monitor.domain.finding import Verdicts
from monitor.domain.snapshot import Fleet, Ourselves, Snapshot
from monitor.rules import (
    advisories,
    approvals,
    drift,
    health,
    holding,
    hosts,
    integrity,
    onboarding,
    provenance,
    recertification,
    releases,
    strangers,
)

SERVER_RULES: tuple[Callable[[Snapshot], Verdicts], ...] = (
    releases.new_release,
    holding.too_young,
    releases.republished,
    releases.registry_status,
    releases.source_reset,
    integrity.signature_invalid,
    integrity.digest_differs,
    integrity.cannot_tell,
    provenance.provenance_lost,
    provenance.provenance_partial,
    provenance.provenance_missing,
    provenance.publisher_changed,
    provenance.ref_unusual,
    advisories.affected,
    advisories.dependency_affected,
    advisories.malware,
    advisories.risk_changed,
    drift.unapproved_version,
    drift.deployed_behind,
    drift.deployed_digest_differs,
    drift.floating_version,
    drift.opaque_launch,
    drift.redirected_source,
    drift.not_deployed,
    approvals.approval_expired,
    approvals.approval_expiring,
    approvals.review_due,
    approvals.approval_rejected,
    approvals.not_approved,
    recertification.recertification_due,
    onboarding.submitted,
    onboarding.identity_mismatch,
)

FLEET_RULES: tuple[Callable[[Fleet], Verdicts], ...] = (
    drift.shadow_server,
    strangers.shadow_malware,
    hosts.host_silent,
    hosts.policy_not_enforced,
)

OWN_RULES: tuple[Callable[[Ourselves], Verdicts], ...] = (
    health.source_unknown,
    health.registry_unreadable,
    health.registry_entry_invalid,
    health.undeliverable,
    health.trust_root_old,
)


def rule_id(rule: Callable[..., Verdicts]) -> str:
    """Return the rule's name as it stands in findings, waivers and tickets."""
    return rule.__name__.replace("_", "-")
