"""A session with a vCenter or an ESXi host, whose faults are told in words."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from pyVmomi import SoapStubAdapter, vim, vmodl

from moorage_ova.deploy.trust import Trust
from moorage_ova.errors import OvaError

#: The dialect of vSphere 6.5, which every later one speaks too.
_DIALECT = "vim.version.version11"


@contextmanager
def session(host: str, port: int, account: str, password: str, trust: Trust) -> Iterator[Any]:
    """The content of the vCenter, for this account, until the end of the block.

    Raises:
        OvaError: it does not answer, is another, or does not take the password; faults in words.
    """
    stub = SoapStubAdapter(
        host=host, port=port, version=_DIALECT, sslContext=trust.context(host, port), poolSize=1
    )
    try:
        with spoken(f"{host}:{port}"):
            content: Any = vim.ServiceInstance("ServiceInstance", stub).RetrieveContent()
            content.sessionManager.Login(userName=account, password=password)
            try:
                yield content
            finally:
                with suppress(Exception):  # idle sessions are ended by vCenter
                    content.sessionManager.Logout()
    finally:
        stub.DropConnections()


@contextmanager
def spoken(name: str) -> Iterator[None]:
    """Faults of vSphere become sentences."""
    try:
        yield
    except vim.fault.InvalidLogin:
        raise OvaError(f"{name} does not take this account and password") from None
    except vim.fault.NoPermission as fault:
        raise OvaError(f"the account lacks the privilege {fault.privilegeId} in {name}") from None
    except vim.fault.DuplicateName as fault:
        raise OvaError(f"there is a machine {fault.name} already; choose another --name") from None
    except vim.fault.InvalidState as fault:
        raise OvaError(f"{name} cannot do that now: {fault.msg or type(fault).__name__}") from None
    except vmodl.MethodFault as fault:
        raise OvaError(f"{name} refused: {fault.msg or type(fault).__name__}") from None
    except ssl.SSLCertVerificationError as error:
        raise OvaError(f"the certificate of {name} cannot be verified: {error.verify_message}") from None
    except OSError as error:
        raise OvaError(f"{name} does not answer: {error}") from error
