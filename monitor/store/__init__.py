"""The store: everything that is kept, behind one unit of work."""
