"""vCenter, whose people may log in: connected once the registry runs, and again when a property changes."""

import hashlib
import hmac
import json
import secrets
from pathlib import Path

from moorage_appliance.commands import Commands
from moorage_appliance.files import MOORAGE, put
from moorage_appliance.paths import Paths
from moorage_appliance.problem import Problem
from moorage_appliance.settings import Settings, VcenterSettings

_REMEDY = "Mend it, and restart the machine."


def apply(settings: Settings, paths: Paths, commands: Commands) -> tuple[Problem, ...]:
    """Connect, unless just this was connected before: what an administrator changed since then stays."""
    wanted, marker = settings.vcenter, paths.state / "vcenter-applied"
    if not wanted.address or _is_applied(wanted, marker):
        return ()
    authority = paths.run / "vcenter-ca.pem"
    if wanted.ca:
        put(authority, wanted.ca)
    how = ("--ca", str(authority)) if wanted.ca else ("--thumbprint", wanted.thumbprint)
    argv = ("directory", "connect", wanted.address, "--account", wanted.account, *how, "--password-stdin")
    done = commands.run(*_moorage(paths), *argv, stdin=f"{wanted.password}\n".encode(), check=False)
    if done.code:
        said = (done.errors or done.output).strip().splitlines() or ["no reason given"]
        return (Problem("vcenter.address", f"cannot be connected: {said[-1]}", _REMEDY),)
    put(marker, _mark(wanted, secrets.token_hex(16)), 0o600)
    return ()


def _moorage(paths: Paths) -> tuple[str, ...]:
    """The registry's command as the registry's account, with its configuration."""
    configuration = paths.configuration / "moorage.toml"
    ids = (f"--reuid={MOORAGE}", f"--regid={MOORAGE}", "--clear-groups")
    program = str(paths.program / "bin/moorage")
    return ("setpriv", *ids, "--", "env", f"MOORAGE_CONFIG={configuration}", program)


def _is_applied(wanted: VcenterSettings, marker: Path) -> bool:
    try:
        before = marker.read_text()
    except OSError:
        return False
    return hmac.compare_digest(before, _mark(wanted, before.partition(":")[0]))


def _mark(wanted: VcenterSettings, salt: str) -> str:
    said = json.dumps([wanted.address, wanted.account, wanted.password, wanted.thumbprint, wanted.ca])
    # A hash that takes long: whoever reads it shall not find the password by trying.
    digest = hashlib.scrypt(said.encode(), salt=salt.encode(), n=2**14, r=8, p=1, dklen=32)
    return f"{salt}:{digest.hex()}"
