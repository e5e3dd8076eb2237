"""What is asked of a vCenter, and in which words: the one door to pyVmomi.

A session lasts for one question. What vCenter answers becomes values of this program or one of its errors
here; no fault of pyVmomi's leaves this file.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pyVmomi import SoapStubAdapter, vim, vmodl

from moorage.errors import MoorageError
from moorage.identity.connection import Connection
from moorage.identity.directory import EntryKind
from moorage.identity.errors import (
    BadCredentialsError,
    DirectoryMisconfiguredError,
    NotAdmittedError,
)
from moorage.identity.line import Deadline, Line, away

#: The dialect of vSphere 6.5, which every later vCenter speaks too.
_DIALECT = "vim.version.version11"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """A person or group as vCenter writes them."""

    principal: str
    full_name: str
    group: bool


class Session:
    """A vCenter that somebody is logged in to."""

    def __init__(self, content: Any, session: Any) -> None:
        self._content = content
        self.principal: str = session.userName or ""
        self.full_name: str = session.fullName or ""

    def look(
        self,
        domain: str,
        text: str = "",
        *,
        kind: EntryKind,
        exact: bool = False,
        holding: str = "",
        inside: str = "",
    ) -> list[Found]:
        """People or groups of a domain.

        Args:
            domain: its name.
            text: part of their names, or the whole of it.
            kind: people or groups.
            exact: the text is the whole name.
            holding: only groups that hold this person directly.
            inside: only what is directly in this group.

        Raises:
            DirectoryMisconfiguredError: the domain is unknown, or this account may not look.
        """
        try:
            answer = self._content.userDirectory.RetrieveUserGroups(
                domain=domain,
                searchStr=text,
                belongsToGroup=inside or None,
                belongsToUser=holding or None,
                exactMatch=exact,
                findUsers=kind is EntryKind.USER,
                findGroups=kind is EntryKind.GROUP,
            )
        except vim.fault.NotFound:
            if holding or inside:
                return []
            raise DirectoryMisconfiguredError(f"vCenter has no domain {domain}") from None
        except vim.fault.NoPermission:
            raise DirectoryMisconfiguredError(
                "the service account may not look people up: give it Authorization.ModifyPermissions"
            ) from None
        return [Found(each.principal, each.fullName or "", bool(each.group)) for each in answer or ()]

    def has_privileges(self, principal: str, privileges: Sequence[str]) -> bool:
        """Whether somebody has all these privileges on the root folder, by themselves or through a group.

        Raises:
            DirectoryMisconfiguredError: this account may not ask.
        """
        try:
            answer = self._content.authorizationManager.HasUserPrivilegeOnEntities(
                entities=[self._content.rootFolder], userName=principal, privId=list(privileges)
            )
        except vim.fault.NoPermission:
            raise DirectoryMisconfiguredError(
                "the service account may not read privileges in vCenter"
            ) from None
        except (vim.fault.NotFound, vmodl.fault.InvalidArgument):
            return False
        granted = {
            each.privId for entity in answer or () for each in entity.privAvailability if each.isGranted
        }
        return granted >= set(privileges)


@contextmanager
def opened(connection: Connection, deadline: Deadline, account: str, password: str) -> Iterator[Session]:
    """A session of this account, closed at once at the end.

    Raises:
        BadCredentialsError: vCenter does not take the password.
        NotAdmittedError: it takes it, and the account may do nothing there.
        DirectoryAwayError: it does not answer, not in time, or not as a vCenter does.
        DirectoryUntrustedError: it is not who it should be; nothing was sent.
    """
    line = Line(connection, deadline)
    try:
        with _spoken(connection):
            content = _content(line)
            session = _login(content, account, password)
            try:
                yield Session(content, session)
            finally:
                _logout(content)
    finally:
        line.close()


def name_of(connection: Connection, deadline: Deadline) -> str:
    """What the vCenter calls itself, for instance ``VMware vCenter Server 8.0.2 build-1``; nobody logs in.

    Raises:
        DirectoryAwayError: it does not answer, or is no vCenter.
        DirectoryUntrustedError: it is not who it should be.
    """
    line = Line(connection, deadline)
    try:
        with _spoken(connection):
            return str(_content(line).about.fullName)
    finally:
        line.close()


def _content(line: Line) -> Any:
    stub = SoapStubAdapter(
        host=line.host, port=line.port, version=_DIALECT, poolSize=1, acceptCompressedResponses=False
    )
    # In place of its own connections, which verify when they see fit.
    stub.scheme = lambda **_: line
    return vim.ServiceInstance("ServiceInstance", stub).RetrieveContent()


def _login(content: Any, account: str, password: str) -> Any:
    try:
        return content.sessionManager.Login(userName=account, password=password)
    except vim.fault.NoPermission:
        raise NotAdmittedError from None
    except vim.fault.InvalidLogin:
        raise BadCredentialsError from None


def _logout(content: Any) -> None:
    try:
        content.sessionManager.Logout()
    except Exception as error:  # vCenter ends idle sessions by itself; what was found stays true
        _log.info("a session of vCenter could not be closed: %s", type(error).__name__)


@contextmanager
def _spoken(connection: Connection) -> Iterator[None]:
    """Whatever goes wrong on the way becomes one error: pyVmomi raises anything over an odd answer."""
    try:
        yield
    except MoorageError:
        raise
    except vmodl.MethodFault as error:
        raise away(connection, RuntimeError(type(error).__name__)) from None
    except Exception as error:
        raise away(connection, error) from None
