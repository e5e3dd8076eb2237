"""One deployment from beginning to end."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyVmomi import vim

from moorage_ova.deploy import importing, places, vcenter
from moorage_ova.deploy.importing import Tell
from moorage_ova.deploy.places import Ask, Wanted, refuse_to_ask
from moorage_ova.deploy.trust import Trust
from moorage_ova.hardware import NETWORK
from moorage_ova.verify import verify


@dataclass(frozen=True, slots=True)
class Target:
    """Where to, and what is filled in.

    Attributes:
        host, port: of the vCenter.
        name: of the machine that is made.
        values: of the properties, by key.
    """

    host: str
    port: int
    account: str
    trust: Trust
    name: str = "moorage"
    size: str = "small"
    wanted: Wanted = field(default_factory=Wanted)
    values: dict[str, str] = field(default_factory=dict)


def deploy(
    ova: Path,
    target: Target,
    password: str,
    tell: Tell,
    *,
    ask: Ask = refuse_to_ask,
    then: Callable[[Any], None] = lambda _: None,
) -> str:
    """Verify the package, import it, send its disk and start the machine; returns the machine's name.

    Args:
        ova: the package.
        target: where to.
        password: of the account in vCenter.
        tell: called with the percentage of the disk that has been sent.
        ask: chooses where there are several places and none was named.
        then: called with the machine when it is started, within the session.

    Raises:
        OvaError: the package is not as it should be, or vSphere refused; nothing half made stays.
    """
    verify(ova)
    where = f"{target.host}:{target.port}"
    with (
        vcenter.session(target.host, target.port, target.account, password, target.trust) as content,
        vcenter.spoken(where),
    ):
        found = places.find(content, target.wanted, ask)
        _refuse_the_name_of_another(found.folder, target.name)
        params = _params(target, found.network)
        spec = importing.import_spec(content, ova, found.pool, found.datastore, params)
        server = (target.host, target.port)
        machine: Any = importing.upload(spec, ova, found.pool, found.folder, server, target.trust, tell)
        name = str(machine.name)
        importing.power_on(machine)
        then(machine)
        return name


def _refuse_the_name_of_another(folder: Any, name: str) -> None:
    """Tell before a disk is sent; vSphere would tell when it has arrived."""
    if any(each.name == name for each in folder.childEntity):
        raise vim.fault.DuplicateName(name=name)


def _params(target: Target, network: Any) -> Any:
    mapping = vim.OvfManager.NetworkMapping(name=NETWORK, network=network)
    return vim.OvfManager.CreateImportSpecParams(
        locale="",
        deploymentOption=target.size,
        entityName=target.name,
        networkMapping=[mapping],
        propertyMapping=[vim.KeyValue(key=key, value=value) for key, value in target.values.items()],
        diskProvisioning="thin",
    )
