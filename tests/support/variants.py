"""The ways to run the registry that the clients are tried against.

docker and skopeo meet all four; the others meet each way of serving and each database once.
"""

import pytest

DIRECT_SQLITE = "direct-sqlite"
DIRECT_POSTGRESQL = "direct-postgresql"
NGINX_SQLITE = "nginx-sqlite"
NGINX_POSTGRESQL = "nginx-postgresql"
#: nginx that speaks https, for clients that send passwords over nothing else.
TLS_SQLITE = "tls-sqlite"
TLS_POSTGRESQL = "tls-postgresql"


def on(*variants: str) -> pytest.MarkDecorator:
    """Run each test of the module on a site of each of these variants."""
    return pytest.mark.parametrize("site", variants, indirect=True)


everywhere = on(DIRECT_SQLITE, DIRECT_POSTGRESQL, NGINX_SQLITE, NGINX_POSTGRESQL)
