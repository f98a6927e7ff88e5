"""What lies on the disk for a deployment: read from what npm, uv, pipx and pip leave behind. Nothing is imported, and nothing is run."""
