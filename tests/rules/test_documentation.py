from pathlib import Path

import pytest

from monitor.rules import FLEET_RULES, OWN_RULES, SERVER_RULES, pages

ALL = {rule.__name__: rule.__doc__ or "" for rule in (*SERVER_RULES, *FLEET_RULES, *OWN_RULES)}


@pytest.mark.parametrize("name", ALL)
def test_every_rule_states_harm_evidence_false_positives_and_remedy(name: str) -> None:
    for word in ("Harm:", "Evidence:", "False positives:", "Remedy:"):
        assert word in ALL[name]


def test_the_rule_pages_are_those_of_the_rules() -> None:
    written = {path.name: path.read_text("utf-8") for path in (Path(__file__).parents[2] / pages.FOLDER).glob("*.md")}

    assert written == pages.pages(), "run `make docs`"
