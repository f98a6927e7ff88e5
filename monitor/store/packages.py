"""What the sources said of packages: listings, releases as first seen, decided claims."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import delete, select

from monitor.domain.evidence import Grounds
from monitor.domain.provenance import TrustRoot, Verification
from monitor.domain.purl import Purl
from monitor.domain.release import KnownRelease, Listing
from monitor.ports.sources import Validator, Validators
from monitor.ports.store import PackageState
from monitor.store import documents, tables
from monitor.store.columns import key
from monitor.store.transaction import Transaction, Values

DOCUMENT = ""
"""Stands in place of a trust root's name in the grounds of a document that makes claims."""


class Packages:
    """One row a package, one a release, one a version's claims."""

    def __init__(self, transaction: Transaction) -> None:
        """Work in that transaction."""
        self._in = transaction

    def packages(self, source: str, packages: Collection[Purl]) -> Mapping[Purl, PackageState]:
        """Return the state of each package; those never looked at have an empty one."""
        keys = _keys(packages)
        known: defaultdict[str, dict[str, KnownRelease]] = defaultdict(dict)
        first_seen = select(
            tables.releases.c.package,
            tables.releases.c.document,
            tables.releases.c.first_seen_at,
            tables.releases.c.baseline,
        )
        for package, document, first_seen_at, baseline in self._in.rows(
            first_seen.where(
                tables.releases.c.source == source, self._in.among(tables.releases.c.package, keys.values())
            )
        ):
            release = documents.RELEASE.decode(document)
            known[package][release.version] = KnownRelease(release, first_seen_at, baseline)
        current = {
            package: documents.LISTING.decode(document)
            for package, document in self._in.rows(
                select(tables.listings.c.package, tables.listings.c.document).where(
                    tables.listings.c.source == source, self._in.among(tables.listings.c.package, keys.values())
                )
            )
        }
        return {purl: PackageState(current.get(name), known[name]) for purl, name in keys.items()}

    def validators(self, prefix: str, packages: Collection[Purl]) -> Mapping[Purl, Validators]:
        """Return what makes the next look at each package conditional; `prefix` is the source's name."""
        keys = _keys(packages)
        kept: defaultdict[str, dict[str, Validator]] = defaultdict(dict)
        for package, document in self._in.rows(
            select(tables.validators.c.package, tables.validators.c.document).where(
                tables.validators.c.source == prefix, self._in.among(tables.validators.c.package, keys.values())
            )
        ):
            validator = documents.VALIDATOR.decode(document)
            kept[package][validator.key] = validator
        return {purl: kept[name] for purl, name in keys.items()}

    def keep_listing(
        self, source: str, listing: Listing, known: Collection[KnownRelease], validators: Collection[Validator]
    ) -> None:
        """Keep the listing as it is now, the given releases as first seen (in place of what was kept of them), and the validators."""
        row = {"source": source, "package": key(str(listing.package.package))}
        self._in.put(tables.listings, [{**row, "document": documents.write(listing)}])
        self._in.put(
            tables.releases,
            [
                {
                    **row,
                    "version": key(release.release.version),
                    "first_seen_at": release.first_seen_at,
                    "baseline": release.baseline,
                    "document": documents.write(release.release),
                }
                for release in known
            ],
        )
        self._in.change(
            delete(tables.validators).where(
                tables.validators.c.source == row["source"],
                tables.validators.c.package == row["package"],
                ~self._in.among(tables.validators.c.address, [key(validator.key) for validator in validators]),
            )
        )
        self._in.put(
            tables.validators,
            [
                {**row, "address": key(validator.key), "document": documents.write(validator)}
                for validator in validators
            ],
        )

    def verifications(self, packages: Collection[Purl]) -> Mapping[Purl, tuple[Verification, ...]]:
        """Return the decided claims by version, for every version of the packages."""
        found = self._in.rows(
            select(tables.verifications.c.document)
            .where(self._in.among(tables.verifications.c.package, _keys(packages).values()))
            .order_by(tables.verifications.c.package, tables.verifications.c.version)
        )
        claims = [documents.VERIFICATIONS.decode(document) for (document,) in found]
        return {of_version[0].purl: of_version for of_version in claims}

    def grounds(self, versions: Collection[Purl]) -> Mapping[Purl, Grounds]:
        """Return when and under which trust roots each version's claims were decided; nothing for a version that was not."""
        keys = {purl: key(str(purl)) for purl in versions}
        of, roots = tables.grounds.c, defaultdict[str, list[TrustRoot]](list)
        for purl, name, digest, dated in self._in.rows(
            select(of.purl, of.root, of.sha256, of.dated)
            .where(self._in.among(of.purl, keys.values()), of.root != DOCUMENT)
            .order_by(of.root)
        ):
            roots[purl].append(TrustRoot(name, "", dated, "recorded", digest))
        at = tables.verifications.c
        decided_at = {
            (package, version): decided
            for package, version, decided in self._in.rows(
                select(at.package, at.version, at.decided_at).where(
                    self._in.among(at.package, _keys(versions).values())
                )
            )
        }
        places = {purl: (key(str(purl.package)), key(purl.version or "")) for purl in versions}
        return {
            purl: Grounds(decided_at[places[purl]], tuple(roots[name]))
            for purl, name in keys.items()
            if places[purl] in decided_at
        }

    def keep_verifications(
        self, verifications: Collection[Verification], at: datetime, roots: Collection[TrustRoot] = ()
    ) -> None:
        """Keep the claims of each version that is named, in place of the old ones of that version, and what they were decided on.

        The documents of the claims, and the files of the roots, are evidence that has to be there already.
        """
        by_version: defaultdict[Purl, list[Verification]] = defaultdict(list)
        for verification in verifications:
            by_version[verification.purl].append(verification)
        self._in.put(
            tables.verifications,
            [
                {
                    "package": key(str(purl.package)),
                    "version": key(purl.version or ""),
                    "decided_at": at,
                    "document": documents.write(claims),
                }
                for purl, claims in by_version.items()
            ],
        )
        grounds = [row for purl, claims in by_version.items() for row in _grounds(purl, claims, roots)]
        self._in.change(
            delete(tables.grounds).where(self._in.among(tables.grounds.c.purl, [key(str(purl)) for purl in by_version]))
        )
        self._in.put(tables.grounds, grounds)


def _grounds(purl: Purl, claims: Collection[Verification], roots: Collection[TrustRoot]) -> list[Values]:
    documents = sorted({claim.document for claim in claims if claim.document})
    under = [(root.name, root.sha256, root.dated) for root in roots] if documents else []
    return [
        {"purl": key(str(purl)), "root": root, "sha256": digest, "dated": dated}
        for root, digest, dated in [*((DOCUMENT, digest, None) for digest in documents), *under]
    ]


def _keys(packages: Collection[Purl]) -> dict[Purl, str]:
    return {purl: key(str(purl.package)) for purl in packages}
