"""What the program needs from the outside, as Protocols, and the four errors by which the outside may fail."""
