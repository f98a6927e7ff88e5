"""What the commands do; one module for each family, imported when one of them runs."""
