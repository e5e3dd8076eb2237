"""The system's log: how long it is kept, and where copies of it go."""

from moorage_appliance.commands import Commands
from moorage_appliance.files import put, remove
from moorage_appliance.paths import Paths
from moorage_appliance.problem import Problem
from moorage_appliance.settings import Settings, SyslogSettings

_HEAD = "# Made from the properties at each boot.\n"
_QUEUE_ENTRIES = 100_000
_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"


def apply(settings: Settings, paths: Paths, commands: Commands) -> tuple[Problem, ...]:
    """Write what journald and rsyslog read; rsyslog starts only when its file is there."""
    forward = paths.etc / "rsyslog.d/moorage.conf"
    if settings.syslog.host:
        # The queue may hold what nobody but root should read.
        put(forward, forward_file(settings.syslog), 0o600)
    elif remove(forward):
        # What was forwarded since power-on would start rsyslog again and again, in vain.
        commands.run("systemctl", "--no-block", "stop", "syslog.socket", check=False)
    # The last by its name: Debian's own syslog.conf says that everything is forwarded.
    journal = paths.etc / "systemd/journald.conf.d/zz-moorage.conf"
    if put(journal, journal_file(settings)):
        # It runs since long before this.
        commands.run("systemctl", "--no-block", "try-restart", "systemd-journald.service", check=False)
    return ()


def journal_file(settings: Settings) -> str:
    """The settings in the words of journald.conf(5)."""
    word = "yes" if settings.syslog.host else "no"
    days = settings.log.retention_days
    return f"{_HEAD}[Journal]\nMaxRetentionSec={days}day\nForwardToSyslog={word}\n"


def forward_file(syslog: SyslogSettings) -> str:
    """The settings in rsyslog's language: what cannot be sent waits on the disk."""
    lines = [
        "action(",
        '  type="omfwd"',
        f'  target="{syslog.host}"',
        f'  port="{syslog.port}"',
        f'  protocol="{"udp" if syslog.protocol == "udp" else "tcp"}"',
        '  template="RSYSLOG_SyslogProtocol23Format"',
        *_way(syslog.protocol),
        '  action.resumeRetryCount="-1"',
        '  action.resumeInterval="10"',
        '  queue.type="LinkedList"',
        '  queue.filename="moorage-forward"',
        f'  queue.size="{_QUEUE_ENTRIES}"',
        '  queue.maxDiskSpace="256m"',
        '  queue.saveOnShutdown="on"',
        ")",
    ]
    if syslog.protocol == "tls":
        lines.insert(0, f'global(defaultNetstreamDriverCAFile="{_AUTHORITIES}")')
    return _HEAD + "\n".join(lines) + "\n"


def _way(protocol: str) -> list[str]:
    """Messages over TCP are counted, so that a line end in one is none (RFC 6587, section 3.4.1)."""
    if protocol == "udp":
        return []
    framing = ['  tcp_framing="octet-counted"']
    if protocol == "tcp":
        return framing
    # The server's certificate must be that of the name, or address, that was filled in.
    return [*framing, '  streamDriver="gtls"', '  streamDriverMode="1"', '  streamDriverAuthMode="x509/name"']
