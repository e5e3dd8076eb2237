"""The command line: each command builds `Services` and calls one method."""
