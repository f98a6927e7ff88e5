"""Every test here runs on both databases."""

from tests.databases import database, empty_database, opened, postgresql, sqlite_template, store

__all__ = ["database", "empty_database", "opened", "postgresql", "sqlite_template", "store"]
