"""Tables for people who were not there: as one page, or as sheets."""
