"""Schema migrations, applied in numeric order; each holds frozen copies of its tables."""
