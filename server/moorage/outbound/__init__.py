"""Calls from this server to addresses that others chose."""
