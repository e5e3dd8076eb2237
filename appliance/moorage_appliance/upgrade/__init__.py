"""A newer release in the place of the one that runs, and the way back."""
