"""What can go wrong between a source tree and an appliance."""


class OvaError(Exception):
    """Building, packing, checking or deploying failed; the text is for whoever ran the command."""
