"""`Target`: where a call goes, read strictly from a URL."""

import re
from dataclasses import dataclass
from ipaddress import IPv6Address
from urllib.parse import SplitResult, urljoin, urlsplit

from moorage.outbound.errors import AddressInvalidError

MAX_LENGTH = 2048
_PORTS = {"http": 80, "https": 443}
# No space, no control character, nothing that programs read in two ways.
_letters = re.compile(r"[!#-;=?-\[\]_a-z~]+").fullmatch
_host = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?\.?").fullmatch
_bracketed = re.compile(r"\[[0-9A-Fa-f:.]+\](?::[0-9]*)?").fullmatch
_LABEL = 63


@dataclass(frozen=True, slots=True)
class Target:
    """Where a call goes.

    Attributes:
        host: in lower case, an IPv6 address without its brackets.
        path: with the query.
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def secure(self) -> bool:
        """Whether it is spoken to by TLS."""
        return self.scheme == "https"

    @property
    def origin(self) -> tuple[str, str, int]:
        """What credentials belong to."""
        return (self.scheme, self.host, self.port)

    @property
    def authority(self) -> str:
        """Host and port for logs and the header ``Host``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole."""
        return f"{self.scheme}://{self.authority}{self.path}"

    @classmethod
    def parse(cls, url: str) -> "Target":
        """Read a URL: http or https, a host, no user, no fragment, only letters that a URL has.

        Raises:
            AddressInvalidError: it is not that.
        """
        if len(url) > MAX_LENGTH or _letters(url) is None:
            raise AddressInvalidError(
                f"an address has at most {MAX_LENGTH} characters, and none that a URL would have to encode"
            )
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise AddressInvalidError("the address has a malformed host or port") from None
        if parts.scheme not in _PORTS or "@" in parts.netloc or "#" in url or port == 0:
            raise AddressInvalidError("an address begins with http:// or https://, names no user, has no '#'")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if not path.startswith("/"):
            raise AddressInvalidError("the address has a malformed path")
        return cls(parts.scheme, _host_of(parts), port or _PORTS[parts.scheme], path)

    def joined(self, location: str) -> "Target":
        """Where a redirect leads.

        Raises:
            AddressInvalidError: nowhere.
        """
        try:
            url = urljoin(self.url, location.partition("#")[0])
        except ValueError:
            raise AddressInvalidError("the address redirects to a malformed address") from None
        return Target.parse(url)


def _host_of(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if ":" in host:
        if _bracketed(parts.netloc) is None:
            raise AddressInvalidError("the address has a malformed host or port")
        try:
            return str(IPv6Address(host))
        except ValueError:
            raise AddressInvalidError("the address has a malformed host or port") from None
    labels = host.removesuffix(".").split(".")
    if _host(host) is None or "[" in parts.netloc or not all(0 < len(each) <= _LABEL for each in labels):
        raise AddressInvalidError("the address has a malformed host or port")
    return host
