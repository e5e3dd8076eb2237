"""From a package to a running appliance in vSphere. The only door of these tools to pyVmomi."""
