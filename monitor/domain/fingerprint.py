"""Stable names for things that must be recognised again: in tickets, labels, keys."""

from hashlib import sha256


def fingerprint(*parts: str) -> str:
    """Sixteen hex digits over the parts, in order; parts cannot run into each other."""
    return sha256("\x1f".join(part.replace("\x1f", " ") for part in parts).encode()).hexdigest()[:16]
