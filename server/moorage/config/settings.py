"""The settings: names, types, defaults and what they mean.

`Settings()` is the default configuration; tests change a section with `dataclasses.replace`.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from moorage.config import rules
from moorage.config.rules import about

_DAY = 86_400
_YEAR_HOURS = 8_784


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where and with how much the server listens."""

    host: str = field(
        default="127.0.0.1",
        metadata=about(
            "Address to listen on. `0.0.0.0` or `::` listens on every interface: put TLS in front.",
            check=rules.host,
            short="MOORAGE_HOST",
        ),
    )
    port: int = field(
        default=5000,
        metadata=about("Port to listen on; 0 takes any free one.", between=(0, 65535), short="MOORAGE_PORT"),
    )
    external_url: str = field(
        default="",
        metadata=about(
            "Scheme, host and port that clients use, for instance `https://registry.example.com`. "
            "Empty: what each request says of itself.",
            check=rules.external_url,
        ),
    )
    processes: int = field(
        default=0, metadata=about("Server processes; 0 starts one for each CPU.", between=(0, 256))
    )
    portal_processes: int = field(
        default=2,
        metadata=about(
            "Processes of `moorage serve portal`; `processes` are then those of `moorage serve registry`.",
            between=(1, 256),
        ),
    )
    threads: int = field(default=4, metadata=about("Threads in each process.", between=(1, 256)))
    socket_folder: str = field(
        default="",
        metadata=about(
            "When set, process *n* listens on the Unix socket `<n>.sock` in this folder, for a proxy on the "
            "same machine, and `host` and `port` are not used; the halves of a server have folders in it.",
            check=rules.socket_folder,
        ),
    )
    behind_nginx: bool = field(
        default=False,
        metadata=about(
            "The nginx of the proxy role is in front: it spools uploads and sends blobs by internal "
            "redirect, and its word on address, host and scheme of the client is taken."
        ),
    )
    ca_file: str = field(
        default="",
        metadata=about(
            "PEM file with the certificate of the authority that signed the server's own, for clients to "
            "fetch and trust (`/api/v2.0/systeminfo/getcert`); keys in it are never handed out. Empty: none."
        ),
    )
    drain_seconds: int = field(
        default=60,
        metadata=about("On stop, how long active requests may take to finish.", between=(0, 3600)),
    )


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """Where content lies."""

    data: Path = field(
        default=Path("./data"),
        metadata=about(
            "Folder of blobs, keys and the SQLite database; made when missing. A relative path begins in "
            "the folder where the program was started.",
            check=rules.folder,
            short="MOORAGE_DATA",
        ),
    )
    reserve_bytes: int = field(
        default=268_435_456,
        metadata=about(
            "Free bytes on the disk below which uploads are refused, so that the database can still be "
            "written and things can still be deleted.",
            between=(0, 2**50),
        ),
    )
    warn_percent: float = field(
        default=80.0,
        metadata=about("From this part of the disk in use on, health and log warn.", between=(1, 100)),
    )
    full_percent: float = field(
        default=95.0,
        metadata=about(
            "From this part of the disk in use on, new uploads are refused; pulls, deletions and garbage "
            "collection go on. 100: only the reserve counts.",
            between=(1, 100),
        ),
    )


@dataclass(frozen=True, slots=True, repr=False)
class DatabaseSettings:
    """Which database; its password is kept out of `repr`."""

    url: str = field(
        default="",
        metadata=about(
            "`postgresql://user:password@host:5432/name` or `sqlite:////absolute/path`. Empty: SQLite in "
            "`db/moorage.sqlite` in the data folder.",
            check=rules.database_url,
        ),
    )

    @property
    def location(self) -> str:
        """The URL for logs: without user, password and options."""
        try:
            parts = urlsplit(self.url)
        except ValueError:
            return "malformed"
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if self.url else ""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(location={self.location!r})"


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """The tokens that clients carry."""

    lifetime_seconds: int = field(
        default=900,
        metadata=about("How long an access token is good for.", between=(60, _DAY)),
    )
    refresh_days: int = field(
        default=30, metadata=about("How long a refresh token is good for.", between=(1, 3650))
    )
    service: str = field(
        default="moorage",
        metadata=about("Name of this registry in challenges and in tokens.", check=rules.service),
    )
    issuer: str = field(
        default="moorage", metadata=about("Name of the issuer in tokens.", check=rules.service)
    )


@dataclass(frozen=True, slots=True)
class UploadsSettings:
    """Uploads under way."""

    expire_hours: int = field(
        default=168,
        metadata=about("After how long without a byte an upload is given up.", between=(1, _YEAR_HOURS)),
    )
    lease_hours: float = field(
        default=24.0,
        metadata=about(
            "How long a blob that no manifest names yet is kept for the client that pushed or found it.",
            between=(0.0001, _YEAR_HOURS),
        ),
    )
    open_per_account: int = field(
        default=1000,
        metadata=about("Uploads that one account may have open at once.", between=(1, 1_000_000)),
    )


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """How the registry protocol answers."""

    sparse_indexes: bool = field(
        default=False,
        metadata=about("Take an index although some of the manifests it lists are not here."),
    )
    page_limit: int = field(
        default=1000,
        metadata=about("Most entries in one page of tags or of the catalog.", between=(1, 10_000)),
    )


@dataclass(frozen=True, slots=True)
class LoginSettings:
    """Logins: what failed ones lead to, and what the directory is asked."""

    attempts: int = field(
        default=5,
        metadata=about(
            "Failed logins to one account from one address before that pair is locked out.",
            between=(1, 10_000),
        ),
    )
    address_attempts: int = field(
        default=30,
        metadata=about(
            "Failed logins from one address, whatever the account, before the address is locked out.",
            between=(1, 1_000_000),
        ),
    )
    window_seconds: int = field(
        default=300, metadata=about("How long a failed login counts.", between=(1, _DAY))
    )
    lock_seconds: int = field(
        default=60,
        metadata=about("How long the first lock-out lasts; each further one doubles it.", between=(1, _DAY)),
    )
    max_lock_seconds: int = field(
        default=900,
        metadata=about("What a lock-out never exceeds; at least `lock_seconds`.", between=(1, _DAY)),
    )
    directory_refresh_cron: str = field(
        default="0 */15 * * * *",
        metadata=about(
            "When the worker asks the directory about everybody whom it vouched for, six fields from seconds "
            "to weekdays, UTC; empty: never, but at each login. Who is gone there can do nothing here from "
            "then on. Without a directory nothing is asked.",
            check=rules.cron,
        ),
    )
    directory_grace_minutes: int = field(
        default=0,
        metadata=about(
            "How long after a login the same password is still taken while the directory is away; 0: not at "
            "all. Each process remembers for itself, and no longer than it lives.",
            between=(0, 10_080),
        ),
    )
    directory_brake_people: int = field(
        default=5,
        metadata=about(
            "When one refresh would take access from more people than this, and from more than "
            "`directory_brake_percent` of all, nobody loses any; `moorage run identity-refresh --force` says "
            "that the directory is right.",
            between=(0, 1_000_000),
        ),
    )
    directory_brake_percent: int = field(
        default=20,
        metadata=about("See `directory_brake_people`; 100 lets everybody lose access.", between=(0, 100)),
    )


@dataclass(frozen=True, slots=True)
class DirectorySettings:
    """How long the registry waits for the vCenter that it is connected to."""

    timeout_seconds: float = field(
        default=10.0,
        metadata=about("How long one question to vCenter may take in all.", between=(0.1, 120)),
    )
    connect_seconds: float = field(
        default=4.0, metadata=about("How long vCenter may take to accept a connection.", between=(0.1, 120))
    )
    calls: int = field(
        default=2,
        metadata=about(
            "Questions that one process may have open at once; fewer than `server.threads`, so that a slow "
            "vCenter holds up nobody who does not need it.",
            between=(1, 64),
        ),
    )
    nested_groups: int = field(
        default=200,
        metadata=about(
            "Up to so many groups of vCenter are searched for groups inside them; 0: only groups that hold "
            "a person directly count.",
            between=(0, 10_000),
        ),
    )
    nested_seconds: float = field(
        default=300.0,
        metadata=about("How long it is believed which group is inside which.", between=(0, _DAY)),
    )


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """Sessions of the portal."""

    longest_hours: float = field(
        default=12.0,
        metadata=about(
            "How long a session lasts at most, however busy it is. How long it lasts without a request is "
            "set while the server runs (`session_timeout`).",
            between=(0.01, 8_784),
        ),
    )


@dataclass(frozen=True, slots=True)
class ProjectsSettings:
    """Projects."""

    creation: Literal["everyone", "adminonly"] = field(
        default="everyone",
        metadata=about(
            "Who may create projects: every user, or administrators only. What an administrator sets while "
            "the server runs wins."
        ),
    )
    storage_limit_bytes: int = field(
        default=-1,
        metadata=about(
            "The storage limit that a new project gets unless another is asked for; -1: none. What an "
            "administrator sets while the server runs wins.",
            between=(-1, 2**60),
        ),
    )


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """The log of operations."""

    blobs: bool = field(
        default=True,
        metadata=about("Log the upload and download of single blobs too, not only of manifests."),
    )
    flush_seconds: float = field(
        default=1.0,
        metadata=about(
            "Longest time that pulls and refusals are gathered before they are written together. "
            "Changes are always logged in their own transaction.",
            between=(0.01, 60),
        ),
    )
    keep_days: int = field(
        default=365,
        metadata=about(
            "Entries older than this are archived and removed; 0 keeps them.", between=(0, 36_500)
        ),
    )
    keep_entries: int = field(
        default=20_000_000,
        metadata=about(
            "Beyond so many entries the oldest are archived and removed; 0 keeps them.", between=(0, 2**50)
        ),
    )
    purge_cron: str = field(
        default="0 15 2 * * *",
        metadata=about(
            "When that is done, six fields from seconds to weekdays, UTC; empty: only when asked for.",
            check=rules.cron,
        ),
    )
    archive: bool = field(
        default=True,
        metadata=about("Write what is removed to a file in `audit-archive` below the data folder first."),
    )


@dataclass(frozen=True, slots=True)
class SyslogSettings:
    """The log of operations, forwarded to a syslog server."""

    url: str = field(
        default="",
        metadata=about(
            "Where to: `tls://host:6514`, `tcp://host:514` or `udp://host:514`; empty: nowhere. Over UDP "
            "messages may get lost on the way and nobody can tell.",
            check=rules.syslog_url,
        ),
    )
    ca_file: str = field(
        default="",
        metadata=about(
            "Authorities, in PEM, of which one must have signed the certificate of a `tls://` server. "
            "Empty: those that this machine trusts.",
            check=rules.readable_file,
        ),
    )
    cert_file: str = field(
        default="",
        metadata=about(
            "A certificate to show to a `tls://` server, in PEM, its key with it or in `key_file`.",
            check=rules.readable_file,
        ),
    )
    key_file: str = field(
        default="", metadata=about("The key of that certificate, in PEM.", check=rules.readable_file)
    )
    format: Literal["structured", "json"] = field(
        default="structured",
        metadata=about(
            "How an entry is told: its fields as structured data of RFC 5424 and a sentence for people, or "
            "all of it as one JSON object in the text of the message."
        ),
    )
    facility: Literal[
        "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
        "ftp", "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4",
        "local5", "local6", "local7",
    ] = field(default="local0", metadata=about("The facility of the messages."))  # fmt: skip
    app_name: str = field(
        default="moorage",
        metadata=about("The program's name in the messages.", check=rules.syslog_app_name),
    )
    sd_id: str = field(
        default="moorage@32473",
        metadata=about(
            "The name of the structured data. 32473 is the number for examples (RFC 5612): put your own "
            "enterprise number there if you have one.",
            check=rules.syslog_sd_id,
        ),
    )
    max_bytes: int = field(
        default=8192,
        metadata=about("A longer message is cut, between two letters.", between=(1024, 65_000)),
    )
    spool_entries: int = field(
        default=5_000_000,
        metadata=about(
            "While the server is away, a purge of the log keeps this many entries that were not forwarded, "
            "whatever `[audit]` says.",
            between=(0, 2**50),
        ),
    )
    spool_hours: int = field(
        default=168,
        metadata=about(
            "And none of them longer than this. When forwarding is switched on for the first time, it "
            "begins with entries of so many hours.",
            between=(0, 240_000),
        ),
    )
    warn_minutes: float = field(
        default=10.0,
        metadata=about("When an entry waits longer than this, health warns.", between=(0.01, 100_000)),
    )


@dataclass(frozen=True, slots=True)
class GcSettings:
    """Garbage collection."""

    on_restart: bool = field(
        default=False,
        metadata=about("Collect after each start of the server, while it serves already."),
    )
    restart_minutes: float = field(
        default=10.0, metadata=about("How long that run may take.", between=(0.01, 1440))
    )
    cron: str = field(
        default="0 0 * * * *",
        metadata=about(
            "When the worker collects by itself, six fields from seconds to weekdays, UTC; empty: never, "
            "because a timer outside calls `moorage run gc`. A schedule set by an administrator wins.",
            check=rules.cron,
        ),
    )
    delete_untagged: bool = field(
        default=True,
        metadata=about("Collect manifests that have no tag, no index that lists them and no subject."),
    )
    untagged_hours: float = field(
        default=168.0,
        metadata=about(
            "How long such a manifest stays after it lost its last tag, or was last pulled.",
            between=(0, _YEAR_HOURS),
        ),
    )
    grace_minutes: float = field(
        default=1.0,
        metadata=about(
            "What is left behind waits at least so long before it is looked at.", between=(0, 1440)
        ),
    )
    jitter_seconds: float = field(
        default=60.0,
        metadata=about("Up to so much is added by chance, to spread the work.", between=(0, 3600)),
    )
    trash_hours: float = field(
        default=1.0,
        metadata=about(
            "How long the file of a collected blob stays in the trash, from where it can be put back.",
            between=(0, _YEAR_HOURS),
        ),
    )
    batch: int = field(default=500, metadata=about("Things removed in one transaction.", between=(1, 1000)))
    per_second: int = field(
        default=0, metadata=about("Things removed in a second at most; 0: no limit.", between=(0, 1_000_000))
    )


@dataclass(frozen=True, slots=True)
class FsckSettings:
    """The check of everything stored."""

    cron: str = field(
        default="0 30 3 * * 0",
        metadata=about(
            "When the worker checks by itself, six fields from seconds to weekdays, UTC; empty: never.",
            check=rules.cron,
        ),
    )
    mib_per_second: float = field(
        default=50.0,
        metadata=about(
            "How fast blobs are read to take their digests anew; 0: no limit.", between=(0, 100_000)
        ),
    )


@dataclass(frozen=True, slots=True)
class JobsSettings:
    """Jobs: collection, checks, retention, purges."""

    keep_days: int = field(
        default=90,
        metadata=about("How long the history and logs of finished runs are kept.", between=(1, 36_500)),
    )


@dataclass(frozen=True, slots=True)
class OutboundSettings:
    """Calls to addresses that users of the registry chose, such as those of webhooks."""

    allow: str = field(
        default="",
        metadata=about(
            "What may be called besides public addresses, with spaces between: `private` for the networks "
            "of RFC 1918 and unique local IPv6 addresses, single networks such as `10.20.0.0/16`, single "
            "addresses, or host names such as `hooks.example.com` and `*.example.com`, which then may "
            "have private addresses. Loopback, link-local and all of the server's own addresses must be "
            "listed one by one.",
            check=rules.destinations,
        ),
    )
    ca_file: str = field(
        default="",
        metadata=about(
            "PEM file of certificate authorities to trust besides those of the system.",
            check=rules.readable_file,
        ),
    )


@dataclass(frozen=True, slots=True)
class WebhooksSettings:
    """Webhooks."""

    keep_days: int = field(
        default=30,
        metadata=about("How long the history of deliveries is kept.", between=(1, 36_500)),
    )
    keep_events: int = field(
        default=10_000,
        metadata=about("Beyond so many events of one policy the oldest go.", between=(1, 10_000_000)),
    )


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What the processes write to standard error."""

    level: Literal["debug", "info", "warning", "error"] = field(
        default="info", metadata=about("The least important messages that are written.")
    )
    format: Literal["json", "text"] = field(
        default="json", metadata=about("One JSON object a line, or text for people.")
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be configured, a section each."""

    server: ServerSettings = field(default_factory=ServerSettings)
    storage: StorageSettings = field(default_factory=StorageSettings)
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    token: TokenSettings = field(default_factory=TokenSettings)
    uploads: UploadsSettings = field(default_factory=UploadsSettings)
    registry: RegistrySettings = field(default_factory=RegistrySettings)
    login: LoginSettings = field(default_factory=LoginSettings)
    directory: DirectorySettings = field(default_factory=DirectorySettings)
    session: SessionSettings = field(default_factory=SessionSettings)
    projects: ProjectsSettings = field(default_factory=ProjectsSettings)
    audit: AuditSettings = field(default_factory=AuditSettings)
    syslog: SyslogSettings = field(default_factory=SyslogSettings)
    gc: GcSettings = field(default_factory=GcSettings)
    fsck: FsckSettings = field(default_factory=FsckSettings)
    jobs: JobsSettings = field(default_factory=JobsSettings)
    outbound: OutboundSettings = field(default_factory=OutboundSettings)
    webhooks: WebhooksSettings = field(default_factory=WebhooksSettings)
    log: LogSettings = field(default_factory=LogSettings)

    @property
    def collecting_lock(self) -> Path:
        """Locked by whoever removes files of blobs, together with others; by a backup, alone."""
        return self.storage.data / "collecting.lock"

    @property
    def database_url(self) -> str:
        """The configured URL, or that of the SQLite file in the data folder. May hold a password."""
        return self.database.url or f"sqlite:///{self.storage.data.absolute()}/db/moorage.sqlite"
