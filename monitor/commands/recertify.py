"""`recertify list`, `recertify keep`, `recertify retire`: the quarterly question to each owner, answered by command."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from monitor import wiring
from monitor.commands.identity import caller, where_said
from monitor.commands.names import refuse_unknown
from monitor.commands.opening import open_settings, recall, require_schema, store_errors
from monitor.commands.output import note, say, show_json, show_table
from monitor.commands.table import Column
from monitor.domain.people import Person
from monitor.domain.recertification import Answer, Recertification, Standing
from monitor.ending import ExitCode, Stop
from monitor.jobs.decide import Terms
from monitor.jobs.quarterly_answers import changed_since, may_retire, record_answer
from monitor.ports.store import UnitOfWork

HEADER = (
    Column("quarter"),
    Column("owner"),
    Column("server"),
    Column("answer"),
    Column("until"),
    Column("ticket", gives_way=1),
)


def show(config: Path, *, as_json: bool) -> int:
    """List every server of every question, newest quarter first."""
    questions, tickets = recall(open_settings(config, only_store=True), _questions)
    if as_json:
        show_json([_json(each, tickets) for each in questions])
    else:
        rows = [row for each in questions for row in _rows(each, tickets)]
        show_table(HEADER, rows, empty="Nobody has been asked yet: the job `quarterly` asks.")
    return ExitCode.QUIET


def answer(config: Path, servers: Sequence[str], word: Answer, *, quarter: str) -> int:
    """Answer for servers of the newest question that asks about them, or of that quarter."""
    settings = open_settings(config, only_store=True)
    person, store = caller(settings.config), wiring.open_store(settings)
    terms = Terms(wiring.policy(settings.config), tuple(sorted(settings.config.reviews.writers)), wiring.utc_now())
    require_schema(store)

    asked = recall(settings, lambda unit: [each for each in unit.recertifications() if quarter in ("", each.quarter)])
    if not asked:
        raise Stop(f"nobody was asked{f' in {quarter}' * bool(quarter)}: the job `quarterly` asks", ExitCode.USAGE)
    refuse_unknown(servers, {name for each in asked for name in each.servers})
    newest = {name: each.fingerprint for each in asked for name in each.servers}
    with store_errors():
        for question in dict.fromkeys(newest[name] for name in servers):
            named = [name for name in servers if newest[name] == question]
            kept = asyncio.run(
                store.run(
                    partial(
                        _record,
                        terms=terms,
                        mark=question,
                        servers=named,
                        word=word,
                        person=person,
                        via=where_said(config),
                    )
                )
            )
            left = f"{len(kept.unanswered)} of {kept.owner} wait for an answer"
            say(f"{person.name} {_DONE[word]} {', '.join(named)} ({kept.quarter}); {left}.")
    if word is Answer.RETIRE and not terms.writers:
        note("Take them out of the registry by hand: nothing is configured that writes it (reviews.write).")
    return ExitCode.QUIET


_DONE = {Answer.KEEP: "keeps", Answer.RETIRE: "retires"}


def _record(
    unit: UnitOfWork, *, terms: Terms, mark: str, servers: Sequence[str], word: Answer, person: Person, via: str
) -> Recertification:
    """The question is read again in the transaction: somebody may have answered meanwhile."""
    unit.alone()
    question = next(each for each in unit.recertifications() if each.fingerprint == mark)
    if word is Answer.RETIRE:
        if refused := may_retire(terms.policy, question, person):
            raise Stop(refused, ExitCode.USAGE)
        if changed := sorted(changed_since(question, unit.entries()).intersection(servers)):
            raise Stop(
                f"{', '.join(changed)}: approved after the question of {question.quarter}, or not {question.owner}'s any more; "
                "nothing is retired: mcp-monitor retire SERVER --reason …",
                ExitCode.USAGE,
            )
    return record_answer(unit, terms, question, servers, word, person=person, via=via)


def _questions(unit: UnitOfWork) -> tuple[list[Recertification], Mapping[str, str]]:
    questions = sorted(unit.recertifications(), key=lambda each: (each.quarter, each.owner), reverse=True)
    return questions, unit.began([each.mark for each in questions])


def _rows(question: Recertification, tickets: Mapping[str, str]) -> list[tuple[str, ...]]:
    said = {each.server: f"{each.answer.value}, {each.by}" for each in question.answers}
    waiting = "nobody answered in time" if question.standing is Standing.EXPIRED else "waits"
    until, ticket = f"{question.due_at:%Y-%m-%d}", tickets.get(question.mark, "")
    return [
        (question.quarter, question.owner, name, said.get(name, waiting), until, ticket) for name in question.servers
    ]


def _json(question: Recertification, tickets: Mapping[str, str]) -> dict[str, object]:
    return {
        "quarter": question.quarter,
        "owner": question.owner,
        "standing": question.standing.value,
        "asked_at": question.asked_at.isoformat(),
        "due_at": question.due_at.isoformat(),
        "ticket": tickets.get(question.mark) or None,
        "servers": list(question.servers),
        "answers": [
            {
                "server": each.server,
                "answer": each.answer.value,
                "by": each.by,
                "at": each.at.isoformat(),
                "via": each.via,
            }
            for each in question.answers
        ],
    }
