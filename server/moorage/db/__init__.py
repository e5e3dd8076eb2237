"""The database handle, for SQLite and PostgreSQL alike."""
