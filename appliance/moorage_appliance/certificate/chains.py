"""From a server's certificate to its root: those that signed it, in order."""

from collections.abc import Iterable
from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import NameOID

from moorage_appliance.certificate.x509s import signed_by


class BrokenError(Exception):
    """The certificates given do not lead on from the server's."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Chain:
    """Those that signed.

    Attributes:
        path: the signer of the server's certificate, its signer, and so on; without the server's own.
        others: have signed none of these.
    """

    path: tuple[x509.Certificate, ...]
    others: tuple[x509.Certificate, ...]


def ordered(server: x509.Certificate, given: Iterable[x509.Certificate]) -> Chain:
    """Put what was given in order, whatever order it came in; the same one twice counts once.

    Raises:
        BrokenError: the signer of the server's certificate is missing, or one on the way to a root is.
    """
    left = list(dict.fromkeys(each for each in given if each != server))
    path: list[x509.Certificate] = []
    last = server
    while not is_root(last):
        signer = next((each for each in left if signed_by(last, each)), None)
        if signer is None:
            break
        left.remove(signer)
        path.append(signer)
        last = signer
    if left and not is_root(last):
        raise BrokenError(
            f"None of the certificates given has signed {named(last)}, which says that "
            f"{last.issuer.rfc4514_string()} did.",
            f"Give the certificate of {last.issuer.rfc4514_string()}, and leave out those that belong to "
            "another chain.",
        )
    return Chain(tuple(path), tuple(left))


def is_root(certificate: x509.Certificate) -> bool:
    """Whether it has signed itself."""
    return certificate.subject == certificate.issuer and signed_by(certificate, certificate)


def named(certificate: x509.Certificate) -> str:
    """How people know it: by its common name, or else by all of its subject."""
    for each in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME):
        return f'"{each.value!s}"'
    return f'"{certificate.subject.rfc4514_string()}"'
