"""Which tags of a project are kept, and for how long."""
