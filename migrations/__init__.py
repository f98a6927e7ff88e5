"""The schema's history, applied by Alembic; installed beside the program, so that any installation can migrate itself."""
