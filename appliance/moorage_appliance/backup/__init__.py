"""A copy of everything that the registry keeps, made while it serves, and its way back."""
