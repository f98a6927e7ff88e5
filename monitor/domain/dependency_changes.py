"""What another version brings along, compared with what the approved one does."""

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.domain.dependency import Dependencies


@dataclass(frozen=True, slots=True)
class DependencyChanges:
    """By name of the package; each text is `name version`, or `name range` as declared (untrusted). Sorted."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    """`name: before -> after`."""


def compare(before: Dependencies, after: Dependencies) -> DependencyChanges | None:
    """Compare by name; None where the two cannot be: one holds the dependencies of dependencies, and the other does not."""
    if before.whole != after.whole:
        return None
    was, now = _named(before), _named(after)
    return DependencyChanges(
        added=tuple(f"{name} {now[name]}".strip() for name in sorted(now.keys() - was.keys())),
        removed=tuple(f"{name} {was[name]}".strip() for name in sorted(was.keys() - now.keys())),
        changed=tuple(
            f"{name}: {was[name]} -> {now[name]}" for name in sorted(was.keys() & now.keys()) if was[name] != now[name]
        ),
    )


def _named(dependencies: Dependencies) -> Mapping[str, str]:
    """Name -> its version or range; several versions of one package stand beside each other."""
    found: dict[str, set[str]] = {}
    for each in dependencies.found:
        found.setdefault(each.purl.label, set()).add(each.purl.version or "")
    for text in dependencies.unresolved:
        name, _, wanted = text.partition(" ")
        found.setdefault(name, set()).add(wanted)
    return {name: ", ".join(sorted(filter(None, wanted))) for name, wanted in found.items()}
