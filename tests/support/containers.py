"""podman, buildah and skopeo with storage and credentials of their own."""

from pathlib import Path

from tests.support.program import Program

# No kernel feature is needed for it, and nothing here is large.
_DRIVER = "--storage-driver=vfs"


def podman(folder: Path) -> Program:
    """podman as root, with its storage below `folder`, whose path has 40 bytes at most."""
    words = ("--cgroup-manager=cgroupfs", "--events-backend=file", f"--tmpdir={folder}/tmp")
    return Program("podman", *_storage(folder), *words, home=folder, env=_credentials(folder))


def buildah(folder: Path) -> Program:
    """buildah as root, with its storage below `folder`."""
    return Program("buildah", *_storage(folder), home=folder, env=_credentials(folder))


def skopeo(folder: Path) -> Program:
    """skopeo with credentials below `folder`; any image is acceptable to it."""
    return Program("skopeo", "--insecure-policy", home=folder, env=_credentials(folder))


def _storage(folder: Path) -> tuple[str, ...]:
    return f"--root={folder}/root", f"--runroot={folder}/run", _DRIVER


def _credentials(folder: Path) -> dict[str, str]:
    file = folder / "auth.json"
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text("{}")
    return {"REGISTRY_AUTH_FILE": str(file)}
