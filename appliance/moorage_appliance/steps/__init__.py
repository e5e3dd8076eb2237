"""What a boot does with the settings: one noun a file, each safe to repeat."""
