"""What tests share: servers, databases, images, and clients for them."""
