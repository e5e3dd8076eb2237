"""The document of the API, made from the routes: OpenAPI 3.1, and a page for people."""
