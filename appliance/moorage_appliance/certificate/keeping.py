"""The appliance's own authority and certificate on the data disk, made when missing, renewed in time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from moorage_appliance.certificate.authority import Pair, issue, make_authority
from moorage_appliance.certificate.model import Names, Served
from moorage_appliance.certificate.x509s import (
    UnreadableError,
    addresses,
    belong_together,
    certificate_pem,
    hosts,
    is_valid_at,
    key_pem,
    read_certificate,
    read_key,
    signed_by,
)
from moorage_appliance.files import folder, put
from moorage_appliance.pem import PemInvalidError, blocks

#: How long before its end the certificate is renewed.
RENEWED = timedelta(days=30)


class AuthorityBrokenError(Exception):
    """There is an authority, but it cannot be used. It is not replaced: clients trust it."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """Authority and certificate, each with its key in one file, so that they cannot part.

    Args:
        place: the folder on the data disk, for root alone.
    """

    place: Path

    def authority(self, now: datetime) -> Pair:
        """The authority, made if there has been none yet.

        Raises:
            AuthorityBrokenError: it cannot be read, or is not valid now.
        """
        try:
            found = _read(self._authority)
        except FileNotFoundError:
            return self.renew_authority(now)
        except (OSError, UnreadableError, PemInvalidError) as error:
            raise AuthorityBrokenError(f"{self._authority.name} cannot be read: {error}") from error
        if not is_valid_at(found.certificate, now):
            begins, ends = found.certificate.not_valid_before_utc, found.certificate.not_valid_after_utc
            raise AuthorityBrokenError(
                f"it is valid from {begins:%Y-%m-%d} to {ends:%Y-%m-%d}, and it is {now:%Y-%m-%d}"
            )
        return found

    def renew_authority(self, now: datetime) -> Pair:
        """Make a new authority; clients have to trust it anew."""
        made = make_authority(now)
        folder(self.place, 0o700)
        put(self._authority, _text(made), 0o600)
        return made

    def server(self, names: Names, now: datetime, *, anew: bool = False) -> Served:
        """The certificate for these names: the one there is while it fits, or else a new one.

        Raises:
            AuthorityBrokenError: there is no authority that could sign one.
        """
        authority = self.authority(now)
        try:
            found = _read(self._server)
        except (OSError, UnreadableError, PemInvalidError):
            found = None
        if found is None or anew or not _fits(found, authority, names, now):
            found = issue(authority, names, now)
            put(self._server, _text(found), 0o600)
        return _served(found, authority)

    @property
    def _authority(self) -> Path:
        return self.place / "authority.pem"

    @property
    def _server(self) -> Path:
        return self.place / "server.pem"


def for_now(names: Names, now: datetime) -> Served:
    """A certificate of an authority that nobody keeps: for a landing page when nothing else is left."""
    authority = make_authority(now)
    return _served(issue(authority, names, now), authority)


def _fits(found: Pair, authority: Pair, names: Names, now: datetime) -> bool:
    known, reached = {*hosts(found.certificate)}, {*addresses(found.certificate)}
    named = known >= names.hosts and reached >= names.addresses
    if names.complete:
        named = known - {"localhost"} == names.hosts and reached == names.addresses
    certificate = found.certificate
    lasting = certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc - RENEWED
    # Nothing can outlive an authority that is about to end.
    capped = certificate.not_valid_after_utc == authority.certificate.not_valid_after_utc
    return named and (lasting or capped) and signed_by(certificate, authority.certificate)


def _served(found: Pair, authority: Pair) -> Served:
    return Served(
        certificate_pem(found.certificate), key_pem(found.key), certificate_pem(authority.certificate)
    )


def _text(pair: Pair) -> str:
    return certificate_pem(pair.certificate) + key_pem(pair.key)


def _read(path: Path) -> Pair:
    found = blocks(path.read_text(encoding="ascii", errors="replace"))
    certificates = [each for each in found if each.label == "CERTIFICATE"]
    keys = [each for each in found if each.label.endswith("PRIVATE KEY")]
    if len(certificates) != 1 or len(keys) != 1:
        raise UnreadableError("it holds something else than a certificate and its key")
    pair = Pair(read_certificate(certificates[0]), read_key(keys[0]))
    if not belong_together(pair.certificate, pair.key):
        raise UnreadableError("certificate and key do not belong together")
    return pair
