"""What they may do: projects, members, roles."""
