"""Moorage side by side with Debian's docker-registry, in one run on one machine."""
