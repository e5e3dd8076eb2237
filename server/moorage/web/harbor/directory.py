"""`/directory`: the vCenter whose people may log in. Harbor has nothing like it."""

from collections.abc import Mapping
from typing import ClassVar

import falcon

from moorage.identity.connection import ADMINISTRATOR_PRIVILEGES, Connection, Domain
from moorage.identity.predecessors import Known
from moorage.identity.vcenters import Reached
from moorage.projects.rules import DELETE_CONNECTION, READ_CONNECTION, UPDATE_CONNECTION
from moorage.services import Services
from moorage.web.access import Access, Caller
from moorage.web.harbor import body
from moorage.web.harbor.answer import send
from moorage.web.harbor.body import Body, BodyInvalidError
from moorage.web.harbor.render import moment

_FIELDS = frozenset(
    {
        *("address", "account", "password", "ca", "thumbprint"),
        *("domains", "admin_privileges", "admin_group", "known_people"),
    }
)
#: What answers say besides; whoever sends an answer back has not changed it.
_TOLD = frozenset({"connected", "has_password", "creation_time", "update_time"})
_PINGED = frozenset({"address", "account", "password", "ca", "thumbprint"})


class DirectoryResource:
    """The connection."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("system", READ_CONNECTION, "get_directory"),
        "PUT": Access("system", UPDATE_CONNECTION, "update_directory"),
        "DELETE": Access("system", DELETE_CONNECTION, "delete_directory"),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """All of it but the password; ``connected`` alone where there is none."""
        found = self._services.connections.find()
        send(resp, {"connected": False} if found is None else _document(found))

    def on_put(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Connect, or change the connection to what the body says; it is not tried out."""
        caller: Caller = req.context.caller
        asked = body.read(req, known=_FIELDS, overlooked=_TOLD)
        secret = asked.text("password") if "password" in asked else None
        made = self._services.connections.put(caller.actor, _connection(asked), secret, _known(asked))
        send(resp, _document(made))

    def on_delete(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Forget it, password and all."""
        caller: Caller = req.context.caller
        self._services.connections.disconnect(caller.actor)


class DirectoryPingResource:
    """Whether a vCenter answers, who it is, and whether it lets the service account look people up."""

    access: ClassVar[Mapping[str, Access]] = {
        "POST": Access("system", UPDATE_CONNECTION, "ping_directory", while_read_only=True)
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """An empty body tries the connection that is kept, with its own password.

        Any field in it means another connection: what the body says is used, and nothing that is kept.
        """
        asked = body.read(req, known=_PINGED)
        send(resp, self._given(asked) if asked.plain() else self._kept())

    def _kept(self) -> dict[str, object]:
        connections = self._services.connections
        found = connections.get()
        reached = connections.look(found.address, authorities=found.authorities, thumbprint=found.thumbprint)
        connections.check_stored()
        return _pinged(reached, verified=True, logged_in=True)

    def _given(self, asked: Body) -> dict[str, object]:
        connections = self._services.connections
        authorities, thumbprint = asked.text("ca", ""), asked.text("thumbprint", "")
        address, verified = asked.text("address"), bool(authorities or thumbprint)
        account, secret = asked.text("account", ""), asked.text("password", "")
        if secret and not (verified and account):
            raise BodyInvalidError("a password is tried out only with an account, and with ca or thumbprint")
        reached = connections.look(address, authorities=authorities, thumbprint=thumbprint)
        if secret:
            wanted = Connection(address, account, authorities=authorities, thumbprint=thumbprint)
            connections.check(wanted, secret)
        return _pinged(reached, verified=verified, logged_in=bool(secret))


def _known(asked: Body) -> Known | None:
    told = asked.text("known_people", "")
    if told and told not in tuple(Known):
        raise BodyInvalidError("known_people is keep or forget")
    return Known(told) if told else None


def _connection(asked: Body) -> Connection:
    group = asked.text("admin_group", "")
    usual = () if group else ADMINISTRATOR_PRIVILEGES
    named = asked.plain()
    return Connection(
        address=asked.text("address"),
        account=asked.text("account"),
        authorities=asked.text("ca", ""),
        thumbprint=asked.text("thumbprint", ""),
        domains=tuple(Domain.parse(each) for each in _texts(named.get("domains", []), "domains")),
        admin_privileges=tuple(_texts(named.get("admin_privileges", list(usual)), "admin_privileges")),
        admin_group=group,
    )


def _texts(value: object, name: str) -> list[str]:
    if not isinstance(value, list):
        raise BodyInvalidError(f"{name} is not a list of strings")
    found = [each for each in value if isinstance(each, str)]
    if len(found) != len(value):
        raise BodyInvalidError(f"{name} is not a list of strings")
    return found


def _document(found: Connection) -> dict[str, object]:
    return {
        "connected": True,
        "address": found.address,
        "account": found.account,
        "has_password": found.has_secret,
        "ca": found.authorities,
        "thumbprint": found.thumbprint,
        "domains": [str(each) for each in found.domains],
        "admin_privileges": list(found.admin_privileges),
        "admin_group": found.admin_group,
        "creation_time": moment(found.created_at),
        "update_time": moment(found.updated_at),
    }


def _pinged(reached: Reached, *, verified: bool, logged_in: bool) -> dict[str, object]:
    certificate = reached.certificate
    return {
        "reachable": True,
        "verified": verified,
        "logged_in": logged_in,
        "name": reached.name,
        "thumbprint": certificate.thumbprint,
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "not_after": moment(certificate.not_after),
    }
