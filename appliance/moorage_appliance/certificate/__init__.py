"""The certificate of the appliance: supplied and checked, or its own, renewed in time."""
