"""Begin a pattern: its files, and every entry that the tests ask for, so that its author starts from a green state."""
