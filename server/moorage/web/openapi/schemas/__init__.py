"""What travels in bodies: one file a noun, each with a table `SCHEMAS` of names and JSON Schemas."""
