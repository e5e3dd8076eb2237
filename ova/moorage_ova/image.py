"""The whole build, stage by stage: from nothing to the appliance's disk in the form that vSphere imports."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from moorage_ova import payload, programs, seal
from moorage_ova.base import cached_root
from moorage_ova.boot import MIB
from moorage_ova.build import configure
from moorage_ova.bundle import SigningKey, fingerprint, make_bundle, make_upgrade_key, public_half, read_key
from moorage_ova.commit import Commit, read_commit
from moorage_ova.disk import Identity, make_disk
from moorage_ova.errors import OvaError
from moorage_ova.manifest import digest, write_manifest
from moorage_ova.package import package
from moorage_ova.prepare import make_key, prepare
from moorage_ova.progress import Stages
from moorage_ova.sbom import write_sbom
from moorage_ova.sources import Sources, sources
from moorage_ova.traces import traces
from moorage_ova.verify import verify
from moorage_ova.vmdk import make_vmdk

BUILD_SIZE = 3 * 1024 * MIB
SYSTEM_SIZE = 4 * 1024 * MIB
_STAGES = 9


@dataclass(frozen=True, slots=True)
class Places:
    """Where a build keeps what it makes.

    Attributes:
        project: the source tree.
        folder: of all products.
    """

    project: Path
    folder: Path

    def __truediv__(self, name: str) -> Path:
        return self.folder / name


def build(places: Places, say: Callable[[str], None], *, fresh: bool = False) -> Path:
    """Build the appliance; returns the package. Beside it lie the bill of materials and ``build.json``.

    Args:
        say: prints a line of progress.
        fresh: get the packages anew, also if their list is the same.

    Raises:
        OvaError: a stage failed.
    """
    if os.geteuid() != 0:
        raise OvaError("the image is made of files that belong to root: run this as root")
    for name in ("image.yml", "verify.yml"):
        if not (places.project / "playbooks" / name).is_file():
            raise OvaError(f"playbooks/{name} is missing: it configures the image")
    commit = read_commit(places.project)
    stages = Stages(_STAGES, say)
    say(f"Moorage {commit.version}, {commit.id[:12] or 'no commit'}{', changed' if commit.changed else ''}")
    places.folder.mkdir(parents=True, exist_ok=True)
    mirror = sources()
    signs = _upgrade_key(places, say)
    with stages.stage("packages") as tell:
        made = cached_root(places / "root", mirror, commit.epoch, fresh=fresh)
        tell("from the archive" if made else "as they were; --fresh gets them anew")
    with stages.stage("payload"):
        shutil.rmtree(places / "payload", ignore_errors=True)
        payload.make(places.project, places / "payload", commit.epoch, commit.version, public_half(signs))
    key = places / "build_key"
    try:
        words = _configured(places, commit, stages, key)
    finally:
        key.unlink(missing_ok=True)
        key.with_suffix(".pub").unlink(missing_ok=True)
    return _finished(places, commit, stages, [*words, *_names(mirror)], signs)


def _configured(places: Places, commit: Commit, stages: Stages, key: Path) -> list[str]:
    """From the packages to a configured machine; returns words that must not be left in it."""
    with stages.stage("disk to configure"):
        public = make_key(key)
        prepare(places / "root", places / "prepared", public)
        raw, base = places / "base.raw", places / "base.qcow2"
        make_disk(
            places / "prepared",
            raw,
            size=BUILD_SIZE,
            identity=Identity(f"{commit.seed}/build"),
            epoch=commit.epoch,
        )
        programs.run("qemu-img", "convert", "-O", "qcow2", str(raw), str(base))
        raw.unlink()
        shutil.rmtree(places / "prepared")
    with stages.stage("configuration by Packer and Ansible") as tell:
        values = packer_values(places, commit, key) | {"base_checksum": f"sha256:{digest(base)}"}
        configure(places.project / "packer", values, places / "packer.log", tell)
    return [public.split()[1]]


def packer_values(places: Places, commit: Commit, key: Path) -> dict[str, str]:
    """Packer's variables for a build under qemu."""
    return {
        "version": commit.version,
        "payload": str(places / "payload"),
        "private_key": str(key),
        "playbooks": str(places.project / "playbooks"),
        "ansible_playbook": programs.find("ansible-playbook"),
        "base_disk": str(places / "base.qcow2"),
        "output": str(places / "packer"),
        "console_log": str(places / "console.log"),
        # A /dev/kvm that opens need not run a machine, nested ones above all: only who knows asks for it.
        "accelerator": os.environ.get("MOORAGE_ACCELERATOR", "tcg"),
    }


def _finished(places: Places, commit: Commit, stages: Stages, words: list[str], signs: SigningKey) -> Path:
    root, raw = places / "sealed", places / "system.raw"
    bill = places / f"moorage-{commit.version}.sbom.json"
    disk = places / f"moorage-{commit.version}-disk1.vmdk"
    with stages.stage("seal") as tell:
        seal.sealed(places / "packer/appliance.qcow2", root)
        left = traces(root, words)
        if left:
            raise OvaError("the build left traces in the image:\n" + "\n".join(left))
        tell("nothing of the build is left")
    with stages.stage("bill of materials"):
        write_sbom(bill, commit, root, places / "wheels")
        inside = root / "usr/share/moorage/sbom.json"
        inside.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(bill, inside)
    with stages.stage("system disk"):
        make_disk(root, raw, size=SYSTEM_SIZE, identity=Identity(commit.seed), epoch=commit.epoch)
    with stages.stage("streaming form of the disk"):
        make_vmdk(raw, disk)
        raw.unlink()
    with stages.stage("package"):
        appliance = package(disk, commit.version, places.folder)
        verify(appliance)
        bundle = make_bundle(places / "payload", signs, commit.epoch, places.folder)
    write_manifest(places / "build.json", commit, stages.seconds, [appliance, bill, disk, bundle])
    return appliance


def _upgrade_key(places: Places, say: Callable[[str], None]) -> SigningKey:
    """The key in the file that MOORAGE_UPGRADE_KEY names; else one that stays in the build's folder."""
    named = os.environ.get("MOORAGE_UPGRADE_KEY", "")
    path = Path(named) if named else places / "upgrade.key"
    if not named and not path.exists():
        make_upgrade_key(path)
        say(f"made a key for upgrades: {path}; keep it, only what it signs upgrades this appliance")
    key = read_key(path)
    say(f"upgrades are signed by the key {fingerprint(key)[:16]}")
    return key


def _names(mirror: Sources) -> list[str]:
    """Hosts of the mirror."""
    return sorted({each.split("/")[2] for each in (mirror.main, mirror.security) if "://" in each})
