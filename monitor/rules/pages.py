"""Writes docs/rules/: one page for each rule, from the rule's own docstring. `make docs` runs it; a test holds the pages to the rules."""

from collections.abc import Callable
from pathlib import Path

from monitor.domain.finding import Verdicts
from monitor.rules import rule_id
from monitor.rules.documentation import every_rule, first_line, sections

FOLDER = Path("docs") / "rules"
"""In the project's folder, where `make` runs."""


def pages() -> dict[str, str]:
    """File name -> content."""
    rules = every_rule()
    written = {f"{rule_id(rule)}.md": page(rule) for rule in rules}
    lines = [f"| [`{rule_id(rule)}`]({rule_id(rule)}.md) | {first_line(rule)} |" for rule in rules]
    index = "# Rules\n\nWhat mcp-monitor looks for. Each page is generated from the rule's own code.\n\n| rule | what |\n|---|---|\n"
    return written | {"README.md": index + "\n".join(lines) + "\n"}


def page(rule: Callable[..., Verdicts]) -> str:
    """Write one rule's page."""
    paragraphs = [f"**{label}.** {text}" for label, text in sections(rule).items()]
    return "\n\n".join((f"# {rule_id(rule)}", first_line(rule), *paragraphs)) + "\n"


def main() -> None:
    """Write the pages, and remove those of rules that are no more."""
    written = pages()
    for stale in {path.name for path in FOLDER.glob("*.md")} - set(written):
        (FOLDER / stale).unlink()
    for name, content in written.items():
        (FOLDER / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
