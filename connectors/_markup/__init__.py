"""A document tree, written in the markup of each channel, shortened to its limits."""
