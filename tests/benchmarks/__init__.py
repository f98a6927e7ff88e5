"""How fast files are verified, and what hostile input costs: `make bench`. The numbers of one machine stand in docs/performance.md."""
