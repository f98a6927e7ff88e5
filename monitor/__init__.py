"""mcp-monitor: watches approved MCP servers and re-opens the approval when the world changes.

Where things are:

    domain/      the nouns, frozen: purl release changes provenance advisory server deployment finding review action audit
    rules/       pure functions, Snapshot -> findings; a rule's name is its id, its docstring its documentation
    policy.py    findings -> actions: severity thresholds, lanes, waivers, who is told
    ports/       what the program needs from the outside (Protocols), and the four errors
    app.py       App: the ports that one process runs with
    jobs/        the verbs; read check_servers first
    store/       SQLAlchemy: tables, unit of work, outbox, evidence, audit chain
    config.py    the options, typed    settings.py   TOML and secrets -> Settings, every error at once
    wiring.py    Settings -> App (with wiring_sources alone in importing connectors and store)
    runner.py    slot, batch, isolate  scheduler.py  APScheduler     web.py  /healthz /readyz /metrics
    cli/         the command line's names, options and help; commands/ is what they do; doctor.py examines an installation

The outside systems are one file each in the package `connectors`.
"""
