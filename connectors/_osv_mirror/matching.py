"""Which records name which versions, from the index alone."""

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from connectors._osv_mirror.commits import is_named
from connectors._osv_mirror.entry import COMMITS, ENTRIES, NAME, PURLS, key, moment
from connectors._osv_mirror.index import as_json
from connectors._osv_shape import GIT, affected
from monitor.domain.advisory import OSV, Advisory, AdvisoryRef, Question
from monitor.domain.purl import Purl
from monitor.domain.text import one_line
from monitor.domain.unknown import Reason, Unknown
from monitor.domain.version_range import is_affected

Answer = tuple[AdvisoryRef, ...] | Unknown
CHUNK = 500
"""Packages whose records are looked up in one set."""
MAX_SHOWN = 5


@dataclass(slots=True)
class _Found:
    """The records that name a version, by id, and those of which it cannot be decided."""

    named: dict[str, AdvisoryRef] = field(default_factory=dict)
    undecided: dict[str, AdvisoryRef] = field(default_factory=dict)

    def add(self, ref: AdvisoryRef, *, decided: bool | None) -> None:
        """Add what was decided about one record. One that stands in the lists of two ecosystems counts in its youngest state."""
        if decided is not False:
            refs = self.named if decided else self.undecided
            refs[ref.id] = max(ref, refs.get(ref.id, ref))

    @property
    def refs(self) -> tuple[AdvisoryRef, ...]:
        """All of them."""
        return tuple(sorted((self.undecided | self.named).values()))


def answers(
    connection: sqlite3.Connection,
    questions: Collection[Question],
    ecosystems: Collection[str],
    still: Mapping[str, str],
) -> dict[Purl, Answer]:
    """Answer each question out of the copies of those ecosystems. `still`: those that are too old to be asked, each with a sentence.

    What cannot be decided for a version of a package (it, or a bound, does not parse) is given with what names it: whoever reads the record
    then says that it is disputed, and nothing undecided looks clean.
    """
    each = {question.purl: question for question in questions}
    covered = {PURLS[ecosystem] for ecosystem in ecosystems if ecosystem in PURLS}
    versions = [question for question in each.values() if question.purl.type in covered and question.purl.version]
    commits = [question for question in each.values() if _commit(question)]
    found: dict[Purl, Answer] = {purl: _not_covered(purl, ecosystems) for purl in each}
    found |= {purl: of.refs for purl, of in _by_version(connection, versions).items()}
    for purl, of in _by_commit(connection, commits).items():
        found[purl] = _about_commit(of, git=GIT in ecosystems)
    return found | dict(_too_old(found, still))


def _too_old(found: Mapping[Purl, Answer], still: Mapping[str, str]) -> Iterator[tuple[Purl, Unknown]]:
    """A commit may stand in a record of any ecosystem."""
    for purl, answer in found.items():
        said = [why for ecosystem, why in still.items() if purl.type in {"github", PURLS.get(ecosystem)}]
        if said and not (isinstance(answer, Unknown) and answer.reason is Reason.NOT_COVERED):
            yield purl, Unknown(Reason.UNAVAILABLE, NAME, "; ".join(said))


def _by_version(connection: sqlite3.Connection, questions: Sequence[Question]) -> dict[Purl, _Found]:
    found = {question.purl: _Found() for question in questions}
    asked = defaultdict[str, list[Purl]](list)
    for purl in found:
        asked[key(purl)].append(purl)
    for name, ref, packed in _rows(connection, list(asked)):
        package = asked[name][0].package
        says = tuple(affected(package, entry) for entry in ENTRIES.decode(packed))
        advisory = Advisory(ref.id, (), "", says, None, None, ref.modified_at)
        for purl in asked[name]:
            found[purl].add(ref, decided=is_affected(advisory, purl))
    return found


def _by_commit(connection: sqlite3.Connection, questions: Sequence[Question]) -> dict[Purl, _Found]:
    found = {question.purl: _Found() for question in questions}
    asked = defaultdict[str, list[Question]](list)
    for question in questions:
        asked[key(question.repository or question.purl)].append(question)
    for name, ref, packed in _rows(connection, list(asked)):
        ranges = COMMITS.decode(packed)
        for question in asked[name]:
            found[question.purl].add(ref, decided=is_named(ranges, _commit(question), question.purl.version))
    return found


def _rows(connection: sqlite3.Connection, names: Sequence[str]) -> Iterator[tuple[str, AdvisoryRef, bytes]]:
    """Yield package, record and what it says of the package, for all records that name one of the packages."""
    waiting = iter(names)
    while chunk := list(islice(waiting, CHUNK)):
        rows = connection.execute(
            "SELECT names.package, records.id, records.modified, names.affected FROM names JOIN records USING (key)"
            " WHERE names.package IN (SELECT value FROM json_each(?))",
            (as_json(chunk),),
        )
        for name, advisory_id, modified, packed in rows:
            yield name, AdvisoryRef(advisory_id, moment(modified), OSV), packed


def _commit(question: Question) -> str:
    """Return the commit that is asked about; empty: none is."""
    commit = question.commit
    asked = question.purl.type == "github" and commit is not None and commit.algorithm == "gitCommit"
    return commit.hex if asked and commit is not None else ""


def _about_commit(found: _Found, *, git: bool) -> Answer:
    """A commit that a record names is reported with those that are not decided; without one these are what is not known."""
    if found.named:
        return found.refs
    if found.undecided:
        ids = sorted(found.undecided)
        more = f" and {len(ids) - MAX_SHOWN} more" if len(ids) > MAX_SHOWN else ""
        detail = f"only the repository's history tells whether this commit is in the ranges of {', '.join(ids[:MAX_SHOWN])}{more}"
        return Unknown(Reason.NOT_COVERED, NAME, detail)
    if git:
        return ()
    return Unknown(Reason.NOT_COVERED, NAME, "has no copy of the records that name no package (ecosystem GIT)")


def _not_covered(purl: Purl, ecosystems: Collection[str]) -> Unknown:
    if purl.type == "github":
        return Unknown(Reason.NOT_COVERED, NAME, "is asked about commits, and the commit of this version is not known")
    if purl.type in PURLS.values() and purl.version is None:
        return Unknown(Reason.NOT_COVERED, NAME, "is asked about versions, and this is none")
    copied = ", ".join(sorted(ecosystems))
    return Unknown(
        Reason.NOT_COVERED, NAME, f"has no copy of the records of {one_line(purl.type, 50)} packages, only of {copied}"
    )
