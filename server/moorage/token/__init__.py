"""The registry token service."""
