"""The log of every operation."""
