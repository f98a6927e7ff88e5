"""Every family of parsers on mutated documents: `make fuzz`. The corpus to begin with is signed anew, by the tests' own signing world."""
