"""vCenters, before and behind a connection.

pyVmomi is loaded when one is first spoken to: it takes a quarter of a second and 17 MiB, which a registry
without a vCenter never pays.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass

from moorage.certificates import Certificate
from moorage.config.settings import DirectorySettings
from moorage.identity.connection import Connection
from moorage.identity.line import Bounded, Deadline, certificate_at
from moorage.identity.vsphere_directory import Session, VsphereDirectory


@dataclass(frozen=True, slots=True)
class Reached:
    """A vCenter that answered.

    Attributes:
        name: what it calls itself; "" where its certificate was not verified and it was not asked.
    """

    certificate: Certificate
    name: str = ""


class Vcenters:
    """Makes directories of them, and looks at them; all questions of a process share its few slots."""

    def __init__(self, settings: DirectorySettings) -> None:
        self._settings = settings
        self._bounded = Bounded(settings)

    def directory(self, connection: Connection, secret: str) -> VsphereDirectory:
        """The people of a vCenter."""
        return VsphereDirectory(connection, secret, self._bounded, self._settings, _open)

    def look(self, connection: Connection) -> Reached:
        """Whether somebody answers and who it says it is. Nobody logs in.

        With neither issuers nor thumbprint in the connection only the certificate is looked at.

        Raises:
            DirectoryAwayError: nobody answers, or it is no vCenter.
            DirectoryUntrustedError: it shows another certificate than it should.
        """
        return self._bounded.run(lambda deadline: _reached(connection, deadline))


def _reached(connection: Connection, deadline: Deadline) -> Reached:
    certificate = certificate_at(connection, deadline)
    if not connection.authorities and not connection.thumbprint:
        return Reached(certificate)
    from moorage.identity.vsphere import name_of  # noqa: PLC0415

    return Reached(certificate, name_of(connection, deadline))


def _open(
    connection: Connection, deadline: Deadline, account: str, password: str
) -> AbstractContextManager[Session]:
    from moorage.identity.vsphere import opened  # noqa: PLC0415

    return opened(connection, deadline, account, password)
