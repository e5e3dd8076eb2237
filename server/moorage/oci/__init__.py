"""The vocabulary of the OCI specifications: digests, names, descriptors and manifests."""
