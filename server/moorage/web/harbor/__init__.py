"""Harbor's v2.0 REST dialect."""
