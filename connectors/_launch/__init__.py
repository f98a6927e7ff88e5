"""From a launch command to what it would start. Pure: nothing is ever started."""
