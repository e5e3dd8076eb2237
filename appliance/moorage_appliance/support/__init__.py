"""What support is sent: the state of the appliance, without its secrets."""
