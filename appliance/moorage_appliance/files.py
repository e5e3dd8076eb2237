"""Files that are either the old or the new, never half of one."""

import os
import secrets
from pathlib import Path

#: The account `moorage` and its group, the same in every image, so that disks can move.
MOORAGE = 10000
ROOT = 0


def put(path: Path, content: str | bytes, mode: int = 0o644, owner: int = ROOT, group: int = ROOT) -> bool:
    """Write a file unless it is the same already; its folder is made when missing.

    Args:
        mode, owner, group: are set in any case; owner and group by root alone, others keep their own.

    Returns:
        Whether the content is another than before.
    """
    body = content.encode() if isinstance(content, str) else content
    if _same(path, body):
        _own(path, owner, group)
        path.chmod(mode)
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    # Never readable for anybody else, not even for a moment.
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        _own(new, owner, group)
        new.chmod(mode)
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise
    return True


def folder(path: Path, mode: int, owner: int = ROOT, group: int = ROOT) -> None:
    """Make a folder, and see to it that it is whose it should be."""
    path.mkdir(parents=True, exist_ok=True)
    _own(path, owner, group)
    path.chmod(mode)


def remove(path: Path) -> bool:
    """Remove a file; whether it was there."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def _same(path: Path, body: bytes) -> bool:
    try:
        return not path.is_symlink() and path.read_bytes() == body
    except OSError:
        return False


def _own(path: Path, owner: int, group: int) -> None:
    if os.geteuid() != ROOT:
        return
    found = path.lstat()
    # Units that never give files away are not allowed to ask.
    if (found.st_uid, found.st_gid) != (owner, group):
        os.chown(path, owner, group)
