"""The properties that a vSphere administrator fills in. This is the only list of them.

The OVF descriptor, the boot of the appliance and the documentation are all made from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

LONGEST = 65535


class Kind(StrEnum):
    """What a value is."""

    TEXT = "text"
    PASSWORD = "password"  # noqa: S105 - the name of a kind
    FLAG = "flag"
    NUMBER = "number"
    CHOICE = "choice"
    #: A certificate or a key; vSphere's clients paste it on one line.
    PEM = "pem"
    #: A key in PEM, which must not be shown.
    SECRET_PEM = "secret_pem"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Property:
    """One field of the deployment.

    Attributes:
        key: class and name, as the OVF environment has them.
        category: the heading below which the deployment shows it.
        label: what it is called there.
        description: what to fill in, and what happens when it is left empty.
        default: what is filled in already; a password never has one.
        choices: the values of a choice.
        minimum, maximum: of a number; of the length of anything else.
        once: applied at the first boot only.
    """

    key: str
    category: str
    label: str
    description: str
    kind: Kind = Kind.TEXT
    default: str = ""
    choices: tuple[str, ...] = ()
    minimum: int = 0
    maximum: int = 255
    once: bool = False

    @property
    def secret(self) -> bool:
        """Whether nobody may see the value."""
        return self.kind in (Kind.PASSWORD, Kind.SECRET_PEM)


def _network(name: str, label: str, description: str, maximum: int = 255) -> Property:
    return Property(f"network.{name}", "Network", label, description, maximum=maximum)


def _port(name: str, label: str, description: str, default: int) -> Property:
    key, number = f"registry.{name}", str(default)
    return Property(key, "Registry", label, description, Kind.NUMBER, number, minimum=1, maximum=65535)


PROPERTIES: tuple[Property, ...] = (
    _network("address", "IPv4 address", "A fixed address such as 192.0.2.10. Empty: DHCP."),
    _network("netmask", "Netmask", "Such as 255.255.255.0 or 24. Needed with a fixed address."),
    _network("gateway", "Gateway", "Needed with a fixed address, unless the network has none."),
    _network("dns", "DNS servers", "Addresses with blanks between them. Empty: what DHCP says.", 1024),
    _network("search", "Search domains", "Domains with blanks between them. Empty: what DHCP says.", 1024),
    _network(
        "hostname",
        "Host name",
        "The full name by which clients reach the registry, such as registry.example.com. "
        "Empty: what DHCP says, or else the address.",
    ),
    _network(
        "ntp", "Time servers", "Names or addresses with blanks between them. Empty: what DHCP says.", 1024
    ),
    _network("http_proxy", "Proxy for http", "Such as http://proxy.example.com:3128. Empty: none.", 1024),
    _network("https_proxy", "Proxy for https", "Such as http://proxy.example.com:3128. Empty: none.", 1024),
    _network(
        "no_proxy",
        "Not through the proxy",
        "Names, domains and addresses that are reached directly, with commas between them.",
        4096,
    ),
    Property(
        "appliance.root_password",
        "Appliance",
        "Password of root",
        "For the console and SSH; 12 characters at least. Applied at the first boot only. "
        "Empty: root has no password and can log in with a key only.",
        Kind.PASSWORD,
        minimum=12,
        maximum=128,
        once=True,
    ),
    Property(
        "appliance.ssh_key",
        "Appliance",
        "SSH keys of root",
        "Public keys as in authorized_keys, one on each line.",
        maximum=LONGEST,
    ),
    Property(
        "appliance.permit_root_login",
        "Appliance",
        "SSH",
        "Let root log in over SSH. Off: the port is closed.",
        Kind.FLAG,
        "False",
    ),
    Property(
        "tls.certificate",
        "Certificate",
        "Certificate",
        "The server's certificate in PEM. Empty: the appliance makes an authority of its own and a "
        "certificate, and renews it.",
        Kind.PEM,
        maximum=LONGEST,
    ),
    Property(
        "tls.key",
        "Certificate",
        "Private key",
        "The key of the certificate in PEM (PKCS#1, PKCS#8 or SEC1), not encrypted.",
        Kind.SECRET_PEM,
        maximum=LONGEST,
    ),
    Property(
        "tls.chain",
        "Certificate",
        "Authorities",
        "The certificates between the server's and the root, and the root, in PEM.",
        Kind.PEM,
        maximum=LONGEST,
    ),
    Property(
        "registry.admin_password",
        "Registry",
        "Password of the administrator",
        "For the account admin of the registry. Applied at the first boot only. "
        "Empty: one is made up and shown on the console until it has been used.",
        Kind.PASSWORD,
        minimum=12,
        maximum=128,
        once=True,
    ),
    _port("port", "Port of the registry", "Where docker and its kin push and pull, over https.", 443),
    _port("trust_port", "Port of content trust", "Where signatures of images are kept, over https.", 4443),
    _port("portal_port", "Port of the portal", "Where people administer the registry, over https.", 443),
    Property(
        "registry.gc_on_restart",
        "Registry",
        "Garbage collection on restart",
        "Free what nothing refers to after each start, while the registry serves.",
        Kind.FLAG,
        "False",
    ),
    Property(
        "registry.database_url",
        "Registry",
        "PostgreSQL",
        "postgresql://account:password@host:5432/name. Empty: a database on the appliance's own disk.",
        Kind.PASSWORD,
        maximum=1024,
    ),
    Property(
        "vcenter.address",
        "vCenter",
        "Address of vCenter",
        "Whose people and groups may log in to the registry. Empty: it is connected later, or never.",
    ),
    Property("vcenter.account", "vCenter", "Account", "That may look up people and groups there."),
    Property("vcenter.password", "vCenter", "Password of the account", "", Kind.PASSWORD, maximum=128),
    Property(
        "vcenter.thumbprint",
        "vCenter",
        "Thumbprint of vCenter's certificate",
        "SHA-256, to be sure that it is this vCenter. Either this or its authority is needed.",
    ),
    Property(
        "vcenter.ca",
        "vCenter",
        "Authority of vCenter's certificate",
        "In PEM. Either this or the thumbprint is needed.",
        Kind.PEM,
        maximum=LONGEST,
    ),
    Property("syslog.host", "Log", "Syslog server", "That gets a copy of every log. Empty: none."),
    Property(
        "syslog.protocol",
        "Log",
        "Syslog protocol",
        "How it is reached.",
        Kind.CHOICE,
        "tcp",
        ("udp", "tcp", "tls"),
    ),
    Property("syslog.port", "Log", "Syslog port", "Empty: 6514 with tls, 514 otherwise.", maximum=5),
    Property(
        "log.retention_days",
        "Log",
        "Days that logs are kept",
        "On the appliance; of the system's log as well as of the registry's log of operations.",
        Kind.NUMBER,
        "90",
        minimum=1,
        maximum=3650,
    ),
)

BY_KEY: Mapping[str, Property] = {each.key: each for each in PROPERTIES}
