from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.audit import AuditEvent, Broken, Checkpoint, Sealed, seal, verify
from tests.make import NOW

WORDS = st.lists(st.text(max_size=20), min_size=1, max_size=8)


def chain(words: list[str]) -> list[Sealed]:
    sealed: list[Sealed] = []
    for word in words:
        sealed.append(
            seal(sealed[-1] if sealed else None, AuditEvent(NOW, "mcp-monitor", "release.seen", word, {"word": word}))
        )
    return sealed


@given(WORDS)
def test_a_chain_that_nobody_touched_holds(words: list[str]) -> None:
    assert verify(chain(words)) == len(words)


@given(WORDS, st.data())
def test_any_edit_is_found_at_its_place(words: list[str], data: st.DataObject) -> None:
    sealed = chain(words)
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] = replace(sealed[at], line=sealed[at].line.replace("mcp-monitor", "somebody"))

    broken = verify(sealed)

    assert isinstance(broken, Broken)
    assert broken.seq == at + 1


@given(WORDS, st.data())
def test_any_deletion_is_found_against_a_checkpoint(words: list[str], data: st.DataObject) -> None:
    sealed = chain(words)
    checkpoint = Checkpoint(sealed[-1].seq, sealed[-1].hash, NOW)
    del sealed[data.draw(st.integers(0, len(sealed) - 1))]

    assert isinstance(verify(sealed, [checkpoint]), Broken)


def test_a_truncated_chain_holds_alone_and_not_against_its_checkpoint() -> None:
    sealed = chain(["one", "two", "three"])
    checkpoint = Checkpoint(3, sealed[-1].hash, NOW)

    assert verify(sealed[:2]) == 2
    assert verify(sealed[:2], [checkpoint]) == Broken(3, "the chain ends at 2, a checkpoint proves that it reached 3")


def test_a_chain_that_was_rewritten_as_a_whole_is_found_against_a_checkpoint() -> None:
    honest = chain(["one", "two"])

    broken = verify(chain(["one", "2"]), [Checkpoint(2, honest[-1].hash, NOW)])

    assert broken == Broken(2, "event 2 differs from the exported checkpoint: the chain was rewritten")
