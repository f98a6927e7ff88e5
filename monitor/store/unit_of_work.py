"""One transaction, as the jobs see it: `monitor.ports.UnitOfWork`, put together from its parts."""

from monitor.ports.sources import Clock
from monitor.store.audit import Audit
from monitor.store.cursors import Cursors
from monitor.store.due import Due
from monitor.store.evidence import Bodies
from monitor.store.exposure import Exposure
from monitor.store.history import History
from monitor.store.judgements import Judgements
from monitor.store.outbox import Outbox
from monitor.store.packages import Packages
from monitor.store.reapproval import Reapproval
from monitor.store.transaction import Transaction


class Unit:
    """Every method is one of a part, on the same transaction; the promises stand in `monitor.ports.UnitOfWork`."""

    def __init__(self, transaction: Transaction, clock: Clock) -> None:
        """Work in that transaction."""
        self.alone = transaction.alone

        due = Due(transaction, clock)
        self.enrol, self.claim, self.release = due.enrol, due.claim, due.release
        self.break_claims, self.claimants = due.break_claims, due.claimants

        packages = Packages(transaction)
        self.packages, self.validators, self.keep_listing = (
            packages.packages,
            packages.validators,
            packages.keep_listing,
        )
        self.verifications, self.keep_verifications = packages.verifications, packages.keep_verifications
        self.grounds = packages.grounds

        judgements = Judgements(transaction)
        self.advisories, self.keep_advisories = judgements.advisories, judgements.keep_advisories
        self.advisories_by_name = judgements.advisories_by_name
        self.findings, self.keep_findings = judgements.findings, judgements.keep_findings
        self.reviews, self.keep_reviews = judgements.reviews, judgements.keep_reviews
        self.reviews_in, self.reviews_since = judgements.reviews_in, judgements.reviews_since
        self.reviews_open = judgements.reviews_open
        self.health, self.keep_health = judgements.health, judgements.keep_health

        exposure = Exposure(transaction)
        self.matches, self.keep_matches = exposure.matches, exposure.keep_matches
        self.dependencies, self.keep_dependencies = exposure.dependencies, exposure.keep_dependencies
        self.dependency_history, self.known_whole = exposure.dependency_history, exposure.known_whole
        self.risks, self.risk_lists, self.keep_risks = exposure.risks, exposure.risk_lists, exposure.keep_risks
        self.risk_size, self.forget_risks = exposure.risk_size, exposure.forget_risks

        history = History(transaction)
        self.stays, self.ran, self.entry_history = history.stays, history.ran, history.entry_history
        self.inventories_since = history.inventories_since
        self.stays_at, self.stays_within = history.stays_at, history.stays_within
        self.deployments, self.keep_inventory = history.deployments, history.keep_inventory
        self.forget_inventories = history.forget_inventories
        self.entries, self.keep_entries = history.entries, history.keep_entries
        self.hosts, self.forget_hosts = history.hosts, history.forget_hosts
        self.forget_host = history.forget_host

        self._said_and_sent(transaction)

    def _said_and_sent(self, transaction: Transaction) -> None:
        """What people said, what is kept of documents, what is sent, and the audit log."""
        people = Reapproval(transaction)
        self.waivers, self.keep_waivers, self.undo_waiver = people.waivers, people.keep_waivers, people.undo_waiver
        self.submissions, self.keep_submissions = people.submissions, people.keep_submissions
        self.recertifications, self.keep_recertifications = people.recertifications, people.keep_recertifications
        self.connections, self.keep_connections = people.connections, people.keep_connections

        cursors = Cursors(transaction)
        self.cursor, self.keep_cursor = cursors.cursor, cursors.keep_cursor

        bodies = Bodies(transaction)
        self.evidence, self.keep_evidence = bodies.evidence, bodies.keep_evidence
        self.sightings = bodies.sightings

        outbox = Outbox(transaction)
        self.queue, self.take, self.settle = outbox.queue, outbox.take, outbox.settle
        self.outbox, self.undelivered, self.began = outbox.outbox, outbox.undelivered, outbox.began
        self.queued, self.said_last, self.action = outbox.queued, outbox.said_last, outbox.action
        self.newest, self.texts = outbox.newest, outbox.texts

        audit = Audit(transaction)
        self.chain, self.head, self.commit = audit.chain, audit.head, audit.commit
        self.events = audit.events
