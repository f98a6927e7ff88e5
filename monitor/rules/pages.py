"""Writes docs/rules/: one page for each rule, from the rule's own docstring. `make docs` runs it; a test holds the pages to the rules."""

import inspect
from collections.abc import Callable
from pathlib import Path

from monitor.domain.finding import Verdicts
from monitor.rules import FLEET_RULES, OWN_RULES, SERVER_RULES, rule_id

FOLDER = Path("docs") / "rules"
"""In the project's folder, where `make` runs."""
LABELS = ("Harm", "Evidence", "False positives", "Remedy")


def pages() -> dict[str, str]:
    """File name -> content."""
    rules: tuple[Callable[..., Verdicts], ...] = (*SERVER_RULES, *FLEET_RULES, *OWN_RULES)
    written = {f"{rule_id(rule)}.md": page(rule) for rule in rules}
    lines = [f"| [`{rule_id(rule)}`]({rule_id(rule)}.md) | {first_line(rule)} |" for rule in rules]
    index = "# Rules\n\nWhat mcp-monitor looks for. Each page is generated from the rule's own code.\n\n| rule | what |\n|---|---|\n"
    return written | {"README.md": index + "\n".join(lines) + "\n"}


def first_line(rule: Callable[..., Verdicts]) -> str:
    """The rule in one sentence."""
    return (inspect.getdoc(rule) or rule_id(rule)).splitlines()[0]


def page(rule: Callable[..., Verdicts]) -> str:
    """Write one rule's page."""
    lines = (inspect.getdoc(rule) or "").splitlines()
    text = [f"# {rule_id(rule)}", "", lines[0], ""]
    for line in lines[2:]:
        label, colon, rest = line.partition(":")
        if colon and label in LABELS:
            text += [f"**{label}.** {rest.strip()[:1].upper()}{rest.strip()[1:]}", ""]
        else:
            text[-2] += f" {line.strip()}"
    return "\n".join(text).rstrip() + "\n"


def main() -> None:
    """Write the pages, and remove those of rules that are no more."""
    written = pages()
    for stale in {path.name for path in FOLDER.glob("*.md")} - set(written):
        (FOLDER / stale).unlink()
    for name, content in written.items():
        (FOLDER / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
