"""What makes a virtual machine of vSphere into a registry: properties, boot, console, upkeep."""
