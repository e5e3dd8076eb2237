"""The certificate that the registry, the portal and the landing page are served with."""

import os
import socket
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from moorage_appliance.addresses import Address
from moorage_appliance.certificate.model import Names, Supplied
from moorage_appliance.certificate.service import CertificateService, Outcome
from moorage_appliance.commands import Commands
from moorage_appliance.paths import Paths
from moorage_appliance.problem import Problem
from moorage_appliance.settings import Settings
from moorage_appliance.status import StatusFile

STEP = "certificate"
# What a machine is called that nobody has named.
_NAMELESS = frozenset({"", "localhost", "localhost.localdomain", "(none)"})


def apply(settings: Settings, paths: Paths, _: Commands) -> tuple[Problem, ...]:
    """Serve with the supplied certificate, or the appliance's own; the network need not be up yet."""
    return settle(settings, paths, None).problems


def settle(
    settings: Settings,
    paths: Paths,
    addresses: Iterable[Address] | None,
    *,
    anew: bool = False,
    authority: bool = False,
) -> Outcome:
    """Put the certificate in place and tell the status of it.

    Args:
        addresses: all that the machine has; None before the network is up.
        anew: make the own certificate anew even if it could go on.
        authority: make the authority anew as well.
    """
    network, tls = settings.network, settings.tls
    fixed = frozenset[Address]() if network.address is None else frozenset({network.address.ip})
    name = network.hostname or ("" if addresses is None else socket.gethostname())
    hosts = frozenset() if name.lower() in _NAMELESS else frozenset({name.lower()})
    names = Names(hosts, fixed | frozenset(addresses or ()), complete=addresses is not None)
    # Without its disk the folder would be made on the system disk, and hidden later.
    there = paths.root != Path("/") or os.path.ismount(paths.data)
    service = CertificateService(paths.tls, paths.state if there else None)
    supplied = Supplied(tls.certificate, tls.key, tls.chain)
    outcome = service.settle(supplied, names, datetime.now(UTC), anew=anew, authority=authority)
    facts: dict[str, object] = {"fingerprint": f"SHA256:{outcome.certificate.fingerprint}"}
    if addresses is not None:
        facts["addresses"] = [str(each) for each in addresses]
    StatusFile(paths).facts(**facts)
    return outcome
