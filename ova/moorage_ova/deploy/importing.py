"""Import a package: what vSphere makes of the descriptor, the disk's upload, power on."""

import http.client
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from pyVmomi import vim, vmodl

from moorage_ova.archive import Archive, Entry, opened
from moorage_ova.deploy.trust import Trust
from moorage_ova.errors import OvaError
from moorage_ova.verify import descriptor_of

_CHUNK = 2**20
_POLL_SECONDS = 0.5
#: vSphere gives a lease up that hears nothing for five minutes.
_ALIVE_SECONDS = 20
Tell = Callable[[int], None]


class _Upload:
    """A part of the archive as something to be sent; tells and keeps the lease alive on the way."""

    def __init__(self, stream: BinaryIO, entry: Entry, lease: Any, tell: Tell) -> None:
        self._stream, self._left, self._size = stream, entry.size, entry.size
        self._lease, self._tell, self._told = lease, tell, 0.0
        stream.seek(entry.start)

    def read(self, most: int = _CHUNK) -> bytes:
        chunk = self._stream.read(min(most, self._left))
        self._left -= len(chunk)
        percent = 100 - self._left * 100 // self._size
        if time.monotonic() - self._told > _ALIVE_SECONDS:
            self._told = time.monotonic()
            self._lease.HttpNfcLeaseProgress(min(percent, 99))
        self._tell(percent)
        return chunk


def import_spec(content: Any, ova: Path, pool: Any, datastore: Any, params: Any) -> Any:
    """What vSphere would make of the package.

    Raises:
        OvaError: it finds errors in the descriptor or in the values.
    """
    made = content.ovfManager.CreateImportSpec(descriptor_of(ova), pool, datastore, params)
    if made.error:
        raise OvaError("vSphere does not take the package:\n" + "\n".join(each.msg for each in made.error))
    return made


def upload(
    spec: Any, ova: Path, pool: Any, folder: Any, server: tuple[str, int], trust: Trust, tell: Tell
) -> Any:
    """Make the machine and send its disk; returns the machine. Nothing of it stays after a failure."""
    lease = pool.ImportVApp(spec.importSpec, folder)
    try:
        _await_ready(lease)
        # Both are gone with the lease.
        info = lease.info
        machine, urls = info.entity, {each.importKey: each for each in info.deviceUrl}
        with opened(ova) as archive:
            for item in spec.fileItem:
                _send(archive, item, urls[item.deviceId], lease, server, trust, tell)
        lease.HttpNfcLeaseComplete()
    except BaseException as error:
        _give_up(lease, str(error))
        raise
    return machine


def power_on(machine: Any) -> None:
    """Start it, and wait until it is started.

    Raises:
        OvaError: it is there, but vSphere does not start it; it stays as it is.
    """
    try:
        _start(machine)
    except vmodl.MethodFault as fault:
        reason = fault.msg or type(fault).__name__
        raise OvaError(f"the machine is imported, but vSphere does not start it: {reason}") from None


def _start(machine: Any) -> None:
    task = machine.PowerOnVM_Task()
    while task.info.state in (vim.TaskInfo.State.queued, vim.TaskInfo.State.running):
        time.sleep(_POLL_SECONDS)
    if task.info.state != vim.TaskInfo.State.success:
        raise task.info.error


def _await_ready(lease: Any) -> None:
    while lease.state == vim.HttpNfcLease.State.initializing:
        time.sleep(_POLL_SECONDS)
    if lease.state != vim.HttpNfcLease.State.ready:
        raise OvaError(
            f"vSphere does not make the machine: {lease.error.msg if lease.error else lease.state}"
        )


def _send(
    archive: Archive, item: Any, device: Any, lease: Any, server: tuple[str, int], trust: Trust, tell: Tell
) -> None:
    entry = next((each for each in archive.entries if each.name == item.path), None)
    if entry is None:
        raise OvaError(f"vSphere asks for {item.path}, which is not in the package")
    url = urlsplit(device.url)
    netloc_host = url.hostname
    host, port = server if netloc_host == "*" else (netloc_host or "", url.port or 443)
    # The vCenter, which is verified, tells the certificate of its host.
    known = Trust(thumbprint=device.sslThumbprint) if device.sslThumbprint else trust
    line = http.client.HTTPSConnection(host, port, context=known.context(host, port), blocksize=_CHUNK)
    headers = {"Content-Type": "application/x-vnd.vmware-streamVmdk", "Content-Length": str(entry.size)}
    try:
        line.request("POST", url.path, _Upload(archive.stream, entry, lease, tell), headers)
        answer = line.getresponse()
        if answer.status >= http.client.BAD_REQUEST:
            raise OvaError(f"{host} does not take {entry.name}: {answer.status} {answer.reason}")
    except (OSError, http.client.HTTPException) as error:
        raise OvaError(f"the upload of {entry.name} to {host} broke off: {error}") from error
    finally:
        line.close()


def _give_up(lease: Any, reason: str) -> None:
    # What went wrong first is told; vSphere ends the lease by itself.
    with suppress(Exception):
        lease.HttpNfcLeaseAbort(vim.fault.OvfImportFailed(msg=reason))
