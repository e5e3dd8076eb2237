"""Webhooks: what happens in a project is told to addresses that its administrators chose."""
