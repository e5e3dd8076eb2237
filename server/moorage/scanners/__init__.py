"""Scanners of vulnerabilities that were registered here, and which of them looks at a project's artifacts."""
