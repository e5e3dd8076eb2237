"""Builds, packs, checks and deploys the appliance."""
