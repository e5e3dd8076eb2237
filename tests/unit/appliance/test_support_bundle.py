"""The support bundle: the state is in it, and no secret of any kind in any of its bytes."""

import base64
import json
import os
import subprocess
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from moorage_appliance.commands import CommandFailedError, Completed, SystemCommands
from moorage_appliance.paths import Paths
from moorage_appliance.support.bundle import Bundled, BundleError, make_bundle
from moorage_appliance.support.hiding import Hiding

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJlLW9mLWl0"
#: Where each secret is planted, and what it is.
SECRETS = {
    "root password": "Root-pa55/word",
    "administrator's password": 'Admin "quoted" \\ pa55',
    "vCenter's password": "vCenter&pa55<1>",
    "database password": "db-p@55w0rd",
    "proxy password": "pr0xy-pa55",
    "old password": "an-earlier-pa55",
    "first password": "made-up-f1rst-pa55",
    "token in the journal": TOKEN,
    "cookie in the journal": "c00kie-of-a-session",
    "basic authorization": base64.b64encode(b"alice:Alice-pa55").decode(),
    "access token": "moor_pat_Zm9vYmFyYmF6",
    "robot's secret": "r0bot-s3cret",
    "refresh token in a query": "0paque-refresh-t0ken",
    "password of a URL": "url-pa55",
    "hash of a password": "$6$saltsalt$abcdefghijklmnopqrstuvwxyz0123456789",
    "a key nobody knows": "MHcCAQEEIFVua25vd25LZXlVbmtub3duS2V5VW5r",
}
JOURNAL = f"""\
2026-07-01T10:00:00 registry moorage[7]: 127.0.0.1 GET /v2/library/app/manifests/v1 200
2026-07-01T10:00:01 registry moorage[7]: {{"headers": {{"Authorization": "Bearer {TOKEN}"}}, "status": 401}}
2026-07-01T10:00:02 registry moorage[7]: authorization: Basic {SECRETS["basic authorization"]}
2026-07-01T10:00:03 registry moorage[7]: Cookie: moorage_session={SECRETS["cookie in the journal"]}; path=/
2026-07-01T10:00:04 registry moorage[7]: login of alice with {SECRETS["access token"]} refused
2026-07-01T10:00:05 registry moorage[7]: {{"robot": "ci", "secret": "{SECRETS["robot's secret"]}"}}
2026-07-01T10:00:06 registry nginx[8]: "GET /t?refresh_token={SECRETS["refresh token in a query"]}&a=1" 200
2026-07-01T10:00:07 registry moorage[7]: hook to https://user:{SECRETS["password of a URL"]}@hooks.example.com
2026-07-01T10:00:08 registry moorage[7]: cannot connect: {SECRETS["database password"]} refused
2026-07-01T10:00:09 registry chpasswd[9]: root:{SECRETS["hash of a password"]}
-----BEGIN EC PRIVATE KEY-----
{SECRETS["a key nobody knows"]}
-----END EC PRIVATE KEY-----
2026-07-01T10:00:10 registry moorage[7]: pushed library/app@sha256:{"ab" * 32}
"""


class Machine(SystemCommands):
    """A machine with a journal; what else is asked for is asked for really, or is missing."""

    def run(self, *argv: str, stdin: bytes = b"", check: bool = True) -> Completed:
        if argv[0] == "journalctl":
            return Completed(0, JOURNAL, "")
        if argv[0] == "ps":
            return Completed(0, "1 root moorage --password " + SECRETS["vCenter's password"] + "\n", "")
        if argv[0] in ("systemctl", "resolvectl", "timedatectl", "nft"):
            raise CommandFailedError(f"{argv[0]}: not here")
        return super().run(*argv, stdin=stdin, check=check)


@pytest.fixture
def keys() -> list[str]:
    """Private keys in the forms there are."""
    made = [["ecparam", "-name", "prime256v1", "-genkey", "-noout"], ["genrsa", "-traditional", "2048"]]
    return [
        subprocess.run(["openssl", *how], capture_output=True, text=True, check=True).stdout for how in made
    ]


@pytest.fixture
def paths(tmp_path: Path, keys: list[str]) -> Paths:
    """An appliance with a secret in every place that has one."""
    found = Paths(tmp_path / "root")
    properties = {
        "network.hostname": "registry.example.com",
        "network.http_proxy": f"http://user:{SECRETS['proxy password']}@proxy.example.com:3128",
        "appliance.root_password": SECRETS["root password"],
        "registry.admin_password": SECRETS["administrator's password"],
        "vcenter.password": SECRETS["vCenter's password"],
        "registry.database_url": "postgresql://moorage:db-p%4055w0rd@db.example.com/moorage",
        "tls.key": keys[1].replace("\n", " "),
    }
    before = {"vcenter.password": SECRETS["old password"]}
    _write(found.run / "properties.json", json.dumps(properties))
    _write(found.state / "properties.json", json.dumps(before))
    _write(found.run / "status.json", json.dumps({"problems": [{"message": SECRETS["old password"]}]}))
    toml = (
        f'[database]\nurl = "{properties["registry.database_url"]}"\n[server]\nexternal_url = "https://r"\n'
    )
    _write(found.configuration / "moorage.toml", toml)
    _write(found.registry / "admin-password", SECRETS["first password"] + "\n")
    _write(found.admin_password, SECRETS["administrator's password"])
    _write(found.state / "ca.key", keys[0])
    _write(found.registry / "keys/signing-000001.pem", keys[0])
    (found.registry / "keys/sealing.key").write_bytes(os.urandom(32))
    # Configuration that somebody changed by hand.
    hosts = f"# {SECRETS['first password']}\n# {(found.registry / 'keys/sealing.key').read_bytes().hex()}\n"
    _write(found.etc / "hosts", hosts + keys[0].splitlines()[1] + "\n127.0.0.1 localhost\n")
    return found


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def made(paths: Paths, target: Path) -> Bundled:
    return make_bundle(paths, Machine(), target, days=7, now=NOW)


def texts(path: Path) -> dict[str, str]:
    with tarfile.open(path) as archive:
        found = {}
        for entry in archive:
            file = archive.extractfile(entry)
            assert file is not None
            assert entry.mode == 0o600
            found[entry.name.partition("/")[2]] = file.read().decode()
        return found


def test_no_secret_is_in_any_member(paths: Paths, tmp_path: Path, keys: list[str]) -> None:
    lines = [line for key in keys for line in key.splitlines() if len(line) > 16 and "-----" not in line]
    sealing = (paths.registry / "keys/sealing.key").read_bytes().hex()
    wanted = {**SECRETS, **{f"line of a key {line}": line for line in lines}, "sealing key": sealing}
    variants = {
        name: {value, json.dumps(value)[1:-1], value.replace("@", "%40")} for name, value in wanted.items()
    }
    found = texts(made(paths, tmp_path / "bundle.tar.gz").path)
    leaked = [
        (name, member)
        for name, values in variants.items()
        for member, text in found.items()
        if any(value in text for value in values)
    ]
    assert leaked == []


def test_what_support_needs_is_still_there(paths: Paths, tmp_path: Path) -> None:
    found = texts(made(paths, tmp_path / "bundle.tar.gz").path)
    journal = found["journal/moorage-registry.txt"]
    assert "GET /v2/library/app/manifests/v1 200" in journal
    assert f"pushed library/app@sha256:{'ab' * 32}" in journal
    assert '"status": 401' in journal
    assert "@hooks.example.com" in journal
    assert "registry.example.com" in found["configuration/properties.json"]
    assert "@db.example.com/moorage" in found["configuration/moorage.toml"]
    assert "127.0.0.1 localhost" in found["configuration/hosts"]
    assert "Filesystem" in found["disks/usage.txt"]
    assert "Linux" in found["versions/kernel.txt"]


def test_what_cannot_be_had_is_said_and_stops_nothing(paths: Paths, tmp_path: Path) -> None:
    bundle = made(paths, tmp_path / "bundle.tar.gz")
    assert "units/list.txt" in bundle.missing
    assert "not here" in texts(bundle.path)["units/list.txt"]
    assert "registry/status.json" in bundle.missing


def test_it_is_roots_alone_and_replaces_nothing(paths: Paths, tmp_path: Path) -> None:
    target = tmp_path / "bundle.tar.gz"
    target.write_text("mine")
    with pytest.raises(BundleError, match="there already"):
        made(paths, target)
    assert target.read_text() == "mine"
    other = made(paths, tmp_path / "other.tar.gz").path
    assert other.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {"root", "bundle.tar.gz", "other.tar.gz"}
    with pytest.raises(BundleError, match="cannot be written"):
        made(paths, tmp_path / "nowhere" / "bundle.tar.gz")


@pytest.mark.parametrize(
    "text",
    [
        "password = 'x9'",
        '{"password":"x9"}',
        '{\\"client_secret\\": \\"x9q\\"}',
        "POSTGRES_PASSWORD=x9 other",
        "X-Registry-Auth: x9",
        "api_key: x9",
    ],
)
def test_what_is_named_a_secret_is_hidden_however_short(text: str) -> None:
    assert "x9" not in Hiding(()).hide(text)


@pytest.mark.parametrize(
    "text", ["token service started", "GET /service/token 200", "sha256:" + "ab" * 32, "{}"]
)
def test_harmless_words_stay(text: str) -> None:
    assert Hiding(()).hide(text) == text
