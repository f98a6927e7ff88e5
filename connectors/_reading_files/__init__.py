"""Documents written by people and strangers: JSON with comments, TOML, YAML with line numbers, all with limits."""
