"""The properties as typed values, checked one by one and against each other.

Nothing here touches the system. Everything that is wrong is told at once, and what is wrong is left
at a value that does no harm.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface

from moorage_appliance import checks
from moorage_appliance.problem import Problem
from moorage_appliance.reader import Reader


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """How the machine is in its network.

    Attributes:
        address: a fixed one with its prefix; None asks DHCP.
        http_proxy, https_proxy: URLs, maybe with a password.
    """

    address: IPv4Interface | None = None
    gateway: IPv4Address | None = None
    dns: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    hostname: str = ""
    ntp: tuple[str, ...] = ()
    http_proxy: str = field(default="", repr=False)
    https_proxy: str = field(default="", repr=False)
    no_proxy: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ApplianceSettings:
    """Who may administer the machine itself."""

    root_password: str = field(default="", repr=False)
    ssh_keys: tuple[str, ...] = ()
    permit_root_login: bool = False


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """Certificate, key and authorities as they were pasted; "" when none was given.

    Whether they fit each other, and are PEM at all, is found out where they are put in place: a bad
    one is never replaced silently, so there is no value that does no harm.
    """

    certificate: str = ""
    key: str = field(default="", repr=False)
    chain: str = ""


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """The registry. `database_url` is "" for the database on the appliance's own disk."""

    admin_password: str = field(default="", repr=False)
    port: int = 443
    trust_port: int = 4443
    portal_port: int = 443
    gc_on_restart: bool = False
    database_url: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class VcenterSettings:
    """The vCenter whose people may log in; `address` is "" when there is none, or not enough about it."""

    address: str = ""
    account: str = ""
    password: str = field(default="", repr=False)
    thumbprint: str = ""
    ca: str = ""


@dataclass(frozen=True, slots=True)
class SyslogSettings:
    """Where logs are copied to; `host` is "" for nowhere, `protocol` is udp, tcp or tls."""

    host: str = ""
    protocol: str = "tcp"
    port: int = 514


@dataclass(frozen=True, slots=True)
class LogSettings:
    """The logs on the appliance."""

    retention_days: int = 90


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be filled in; `Settings()` is what an appliance without properties has."""

    network: NetworkSettings = NetworkSettings()
    appliance: ApplianceSettings = ApplianceSettings()
    tls: TlsSettings = TlsSettings()
    registry: RegistrySettings = RegistrySettings()
    vcenter: VcenterSettings = VcenterSettings()
    syslog: SyslogSettings = SyslogSettings()
    log: LogSettings = LogSettings()


def read_settings(values: Mapping[str, str]) -> tuple[Settings, tuple[Problem, ...]]:
    """The settings, and everything that is wrong with the values, by property.

    Args:
        values: by key; what is missing counts as empty, and an empty one as its default.
    """
    reader = Reader(values)
    protocol = reader.choice("syslog.protocol")
    settings = Settings(
        network=_network(reader),
        appliance=ApplianceSettings(
            root_password=reader.password("appliance.root_password", checks.password),
            ssh_keys=reader.read("appliance.ssh_key", checks.ssh_keys, ()),
            permit_root_login=reader.flag("appliance.permit_root_login"),
        ),
        tls=TlsSettings(
            certificate=reader.text("tls.certificate"),
            key=reader.text("tls.key"),
            chain=reader.text("tls.chain"),
        ),
        registry=_registry(reader),
        vcenter=_vcenter(reader),
        syslog=SyslogSettings(
            host=reader.read("syslog.host", checks.host, ""),
            protocol=protocol,
            port=reader.read("syslog.port", checks.port, _SYSLOG_PORTS[protocol]),
        ),
        log=LogSettings(retention_days=reader.number("log.retention_days")),
    )
    return settings, tuple(reader.problems)


def _network(reader: Reader) -> NetworkSettings:
    return NetworkSettings(
        *_addresses(reader),
        dns=reader.read("network.dns", checks.addresses, ()),
        search=reader.read("network.search", checks.names, ()),
        hostname=reader.read("network.hostname", checks.hostname, ""),
        ntp=reader.read("network.ntp", checks.hosts, ()),
        http_proxy=reader.read("network.http_proxy", checks.proxy, ""),
        https_proxy=reader.read("network.https_proxy", checks.proxy, ""),
        no_proxy=reader.read("network.no_proxy", checks.exceptions, ()),
    )


def _addresses(reader: Reader) -> tuple[IPv4Interface | None, IPv4Address | None]:
    """The fixed address and the gateway; (None, None) if there is no address that could be used."""
    found = reader.read("network.address", checks.address, None)
    length = reader.read("network.netmask", checks.prefix, None)
    gateway = reader.read("network.gateway", checks.gateway, None)
    if found is None:
        for key in ("network.netmask", "network.gateway"):
            if reader.given(key) and not reader.given("network.address"):
                reader.refuse(
                    key, "has no meaning without a fixed address", "Give network.address, or clear it."
                )
        return None, None
    address, own = found
    if own is not None and length is not None and own != length:
        reader.refuse("network.netmask", "says otherwise than the address", "Give one of the two.")
    length = own if own is not None else length
    if length is None:
        if not reader.given("network.netmask"):
            reader.refuse(
                "network.netmask", "is missing: the address is fixed", "Give it, such as 255.255.255.0."
            )
        return None, None
    return _in_network(reader, IPv4Interface(f"{address}/{length}"), gateway)


def _in_network(
    reader: Reader, address: IPv4Interface, gateway: IPv4Address | None
) -> tuple[IPv4Interface | None, IPv4Address | None]:
    network = address.network
    if network.prefixlen < _SMALLEST_NETWORK and address.ip in (
        network.network_address,
        network.broadcast_address,
    ):
        message = "is the network itself or its broadcast, not a machine in it"
        reader.refuse("network.address", message, "Give the address of a machine, or mend the netmask.")
        return None, None
    if gateway is not None and (gateway not in network or gateway == address.ip):
        message = "is not another machine in the network of the address"
        reader.refuse("network.gateway", message, "Mend it, the address or the netmask.")
        return address, None
    return address, gateway


#: RFC 5426, section 3.3; the usual one of RFC 6587; RFC 5425, section 4.1.
_SYSLOG_PORTS = {"udp": 514, "tcp": 514, "tls": 6514}

#: Networks of /31 and /32 have neither a broadcast nor an address of their own (RFC 3021).
_SMALLEST_NETWORK = 31


#: The appliance's own: SSH, and http that leads to https.
_OWN_PORTS = (22, 80)
_TRUST_PORTS = (4443, 5443, 6443)


def _registry(reader: Reader) -> RegistrySettings:
    ports = {key: reader.number(f"registry.{key}") for key in ("port", "trust_port", "portal_port")}
    for key, number in ports.items():
        if number in _OWN_PORTS:
            reader.refuse(f"registry.{key}", f"{number} is the appliance's own port", "Choose another one.")
            ports[key] = reader.default_number(f"registry.{key}")
    if ports["trust_port"] in (ports["port"], ports["portal_port"]):
        message = "is the port of the registry or of the portal"
        reader.refuse("registry.trust_port", message, "Choose a port that is used for nothing else.")
        used = (ports["port"], ports["portal_port"])
        ports["trust_port"] = next(port for port in _TRUST_PORTS if port not in used)
    return RegistrySettings(
        admin_password=reader.password("registry.admin_password", checks.admin_password),
        port=ports["port"],
        trust_port=ports["trust_port"],
        portal_port=ports["portal_port"],
        gc_on_restart=reader.flag("registry.gc_on_restart"),
        database_url=reader.read("registry.database_url", checks.postgresql, ""),
    )


def _vcenter(reader: Reader) -> VcenterSettings:
    found = VcenterSettings(
        address=reader.read("vcenter.address", checks.host, ""),
        account=reader.read("vcenter.account", checks.password, ""),
        password=reader.password("vcenter.password", checks.password),
        thumbprint=reader.read("vcenter.thumbprint", checks.thumbprint, ""),
        ca=reader.read("vcenter.ca", checks.certificates, ""),
    )
    if not reader.given("vcenter.address"):
        for key in ("account", "password", "thumbprint", "ca"):
            if reader.given(f"vcenter.{key}"):
                reader.refuse(
                    "vcenter.address", f"is missing: vcenter.{key} is given", "Give it, or clear the rest."
                )
                break
        return VcenterSettings()
    complete = bool(found.address)
    for key in ("account", "password"):
        if not reader.given(f"vcenter.{key}"):
            reader.refuse(f"vcenter.{key}", "is missing: vcenter.address is given", "Give it.")
        complete = complete and bool(getattr(found, key))
    given = [reader.given("vcenter.thumbprint"), reader.given("vcenter.ca")]
    if not any(given):
        message = "is missing: nobody could tell that it is this vCenter"
        reader.refuse("vcenter.thumbprint", message, "Give the thumbprint, or vcenter.ca.")
    if all(given):
        reader.refuse("vcenter.ca", "is given, and so is the thumbprint", "Give one of the two.")
    one = bool(found.thumbprint) != bool(found.ca)
    return found if complete and one and not all(given) else VcenterSettings()
