"""The verbs: each job takes a batch, asks the world, judges, and records in one short transaction."""
