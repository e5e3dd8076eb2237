"""Where in vSphere the machine goes: found by name, or the only one of its kind."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pyVmomi import vim

from moorage_ova.errors import OvaError

#: Called with a kind of place and the names to choose from; gives one of them.
Ask = Callable[[str, Sequence[str]], str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Names of places; "" where the only one is meant.

    Attributes:
        cluster: a cluster, or a host that is in none.
        pool: below the cluster; "" is the cluster itself.
        folder: of machines; "" is the data centre itself.
    """

    datacenter: str = ""
    cluster: str = ""
    pool: str = ""
    folder: str = ""
    datastore: str = ""
    network: str = ""


@dataclass(frozen=True, slots=True)
class Places:
    """vSphere's own objects."""

    pool: Any
    folder: Any
    datastore: Any
    network: Any


def refuse_to_ask(label: str, names: Sequence[str]) -> str:
    """Nobody is there to choose.

    Raises:
        OvaError: always.
    """
    raise OvaError(f"which {label}? There are several: {', '.join(names)}")


def find(content: Any, wanted: Wanted, ask: Ask) -> Places:
    """The places of these names; each is looked for in what was found before.

    Raises:
        OvaError: there is none of this name, or several of one kind and nobody to choose.
    """
    center = _one("data center", _below(content, content.rootFolder, vim.Datacenter), wanted.datacenter, ask)
    resources = _below(content, center.hostFolder, vim.ComputeResource)
    cluster = _one("cluster", resources, wanted.cluster, ask)
    pool = cluster.resourcePool
    if wanted.pool:
        pool = _one("resource pool", _below(content, pool, vim.ResourcePool), wanted.pool, ask)
    folder = center.vmFolder
    if wanted.folder:
        folder = _one("folder", _below(content, folder, vim.Folder), wanted.folder, ask)
    # What the cluster reaches, not what there is elsewhere in the data centre.
    usable = [each for each in cluster.datastore if each.summary.accessible]
    datastore = _one("datastore", usable, wanted.datastore, ask)
    return Places(pool, folder, datastore, _one("network", cluster.network, wanted.network, ask))


def _below(content: Any, root: Any, kind: Any) -> list[Any]:
    view = content.viewManager.CreateContainerView(root, [kind], True)
    try:
        return list(view.view)
    finally:
        view.DestroyView()


def _one(label: str, found: Iterable[Any], name: str, ask: Ask) -> Any:
    by_name: dict[str, list[Any]] = {}
    for each in found:
        by_name.setdefault(each.name, []).append(each)
    names = sorted(by_name)
    if not name and len(names) > 1:
        name = ask(label, names)
    matching = by_name.get(name or (names[0] if names else ""), [])
    if not matching:
        raise OvaError(f"there is no {label} {name!r}; there are: {', '.join(names) or 'none'}")
    if len(matching) > 1:
        raise OvaError(f"there are {len(matching)} of the name {name!r} for a {label}; name what it is in")
    return matching[0]
