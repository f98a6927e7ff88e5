"""The rules: pure functions from a Snapshot to findings, one module per theme."""
