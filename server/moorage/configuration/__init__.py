"""What administrators set while the registry runs; the configuration file says what it starts with."""
