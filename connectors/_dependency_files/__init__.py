"""Lock files and SBOMs, one module a format: each reads bytes into a graph of packages, and nothing is resolved or run."""
