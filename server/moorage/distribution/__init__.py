"""The registry itself: blobs, uploads, manifests, tags, referrers."""
