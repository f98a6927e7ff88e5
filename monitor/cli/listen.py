"""`listen`: buttons beside alerts."""

from monitor.cli.options import ConfigFile


def listen(*, config: ConfigFile) -> int:
    """Hear of the buttons that are pressed beside alerts in Slack (acknowledge, snooze, approve), until SIGTERM or Ctrl-C.

    ```
    mcp-monitor listen
    ```

    It opens a connection to Slack (Socket Mode) and needs slack.buttons = true and an app-level token. Who presses has to stand in
    [people] with their slack id; an approval counts as one by `review approve` would, for exactly the pin that the button names.

    Exit codes: 0 it was stopped, 2 nothing is configured to listen to, 3 Slack cannot be reached or refuses the token.
    """
    from monitor.commands.listen import listen_until_stopped

    return listen_until_stopped(config)
