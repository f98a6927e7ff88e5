"""`review list`, `show`, `approve`, `reject`, `reopen`: decisions at the keyboard."""

from typing import Annotated

from cyclopts import App, Parameter

from monitor.cli.options import ConfigFile, Json

Server = Annotated[str, Parameter(help="The server, by its name in the registry.")]
Version = Annotated[
    str, Parameter(help="The version; where it is left out, the one that waits for a decision.", show_default=False)
]
Pin = Annotated[
    str,
    Parameter(
        help="The fingerprint of what you read, as `review show` and the ticket have it: at least 8 of its digits."
    ),
]
Reason = Annotated[str, Parameter(help="Why; it is kept and shown with the decision.")]


def list_reviews(
    *,
    config: ConfigFile,
    all: Annotated[bool, Parameter(help="Decided and ended ones, too.", show_default=False)] = False,  # noqa: A002 the option's name
    json: Json = False,
) -> int:
    """List the versions that wait for a decision.

    ```
    mcp-monitor review list
    mcp-monitor review list --json | jq -r '.[] | select(.missing_approvals == 1) | .server'
    ```
    """
    from monitor.commands.review import list_reviews as run

    return run(config, everything=all, as_json=json)


def show(server: Server, version: Version = "", /, *, config: ConfigFile, json: Json = False) -> int:
    """Show the evidence for one decision, the pin's fingerprint, who has said what, and what is missing.

    ```
    mcp-monitor review show io.github.acme/files
    ```
    """
    from monitor.commands.review import show_review

    return show_review(config, server, version, as_json=json)


def approve(server: Server, version: Version = "", /, *, config: ConfigFile, pin: Pin, reason: Reason) -> int:
    """Approve exactly the pin that you read. You have to be one of reviews.approvers.

    ```
    mcp-monitor review approve io.github.acme/files --pin 3f9c2a1b --reason "read the diff"
    ```

    Exit codes: 0 it counts, 1 it does not (stderr says why), 2 nothing such is under review, or you are not known.
    """
    from monitor.commands.review import decide_review

    return decide_review(config, server, version, word="approve", pin=pin, reason=reason)


def reject(server: Server, version: Version = "", /, *, config: ConfigFile, pin: Pin, reason: Reason) -> int:
    """Reject exactly the pin that you read: the version stays unapproved until somebody reopens the review.

    ```
    mcp-monitor review reject io.github.acme/files --pin 3f9c2a1b --reason "new install script"
    ```

    Exit codes: 0 it counts, 1 it does not (stderr says why), 2 nothing such is under review, or you are not known.
    """
    from monitor.commands.review import decide_review

    return decide_review(config, server, version, word="reject", pin=pin, reason=reason)


def reopen(
    server: Server,
    version: Annotated[str, Parameter(help="The version that was decided.")],
    /,
    *,
    config: ConfigFile,
    reason: Reason,
) -> int:
    """Ask anew about a version that was approved or rejected. You have to be one of reviews.approvers.

    ```
    mcp-monitor review reopen io.github.acme/files 1.4.3 --reason "author answered"
    ```
    """
    from monitor.commands.review import reopen_review

    return reopen_review(config, server, version, reason=reason)


review = App(name="review", help_epilogue="", help="Decide about versions, with or without a ticket.")
review.command(list_reviews, name="list")
for command in (show, approve, reject, reopen):
    review.command(command)
