"""Where a server stands on its way through the organisation."""

from enum import StrEnum


class Stage(StrEnum):
    """From the first question to the end. The registry knows staging, approved and retired; the others come before it."""

    SUBMITTED = "submitted"
    """Asked for; no ticket yet."""
    IN_REVIEW = "in-review"
    STAGING = "staging"
    """Approved to be tried, not for everybody: no export allows it."""
    APPROVED = "approved"
    REJECTED = "rejected"
    RETIRED = "retired"
