"""The edges: one file per outside system. The file's name is its name in the configuration.

Files that begin with an underscore are shared by the others: `_http` is the only HTTP client, `_endpoints` finds the default registries.
"""
