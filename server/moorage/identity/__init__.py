"""Who is calling: users, robots, access tokens."""
