"""What a rule's docstring says: one sentence, then harm, evidence, false positives and remedy. Pages, tickets and JSON are made of it."""

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from re import split

from monitor.domain.finding import Verdicts
from monitor.rules import FLEET_RULES, OWN_RULES, SERVER_RULES, rule_id

LABELS = ("Harm", "Evidence", "False positives", "Remedy")


def every_rule() -> tuple[Callable[..., Verdicts], ...]:
    """Return all rules, in the order of their lists."""
    return (*SERVER_RULES, *FLEET_RULES, *OWN_RULES)


def first_line(rule: Callable[..., Verdicts]) -> str:
    """The rule in one sentence."""
    return (inspect.getdoc(rule) or rule_id(rule)).splitlines()[0]


def sections(rule: Callable[..., Verdicts]) -> dict[str, str]:
    """Return what is said under each of `LABELS`, in the docstring's order, each on one line."""
    found: dict[str, str] = {}
    for line in (inspect.getdoc(rule) or "").splitlines()[2:]:
        label, colon, rest = line.partition(":")
        if colon and label in LABELS:
            found[label] = rest.strip()
        elif found:
            found[[*found][-1]] += f" {line.strip()}"
    return {label: text[:1].upper() + text[1:].rstrip() for label, text in found.items()}


def remedy(rule: str) -> str:
    """Return what to do about a finding of that rule, in one sentence; nothing for a rule that is no more."""
    return _remedies().get(rule, "")


@cache
def _remedies() -> Mapping[str, str]:
    said = {rule_id(rule): sections(rule).get("Remedy", "") for rule in every_rule()}
    return {rule: split(r"(?<=\.) (?=[A-Z`])", text)[0] for rule, text in said.items()}
