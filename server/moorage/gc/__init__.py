"""Garbage collection and the check of what is stored."""
