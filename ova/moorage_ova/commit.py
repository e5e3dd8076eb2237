"""What a build is made from: version, commit and time, which every product takes over."""

import os
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

from moorage_ova import programs
from moorage_ova.errors import OvaError


@dataclass(frozen=True, slots=True)
class Commit:
    """The state of the source tree.

    Attributes:
        version: of the project.
        id: 40 hexadecimal digits; "" outside a repository.
        epoch: seconds; when the commit was made. Nothing in the image is younger.
        changed: the tree holds something that the commit does not.
    """

    version: str
    id: str
    epoch: int
    changed: bool

    @property
    def seed(self) -> str:
        """The text that all ids of the image's disk come from."""
        return f"{self.version}/{self.id or self.epoch}"


def read_commit(project: Path) -> Commit:
    """Ask git about the tree at `project`; ``SOURCE_DATE_EPOCH`` is the time, if it is given.

    Raises:
        OvaError: there is neither a repository nor a time.
    """
    version = tomllib.loads((project / "pyproject.toml").read_text())["project"]["version"]
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    try:
        line = _git(project, "log", "-1", "--format=%H %ct")
        changed = bool(_git(project, "status", "--porcelain"))
    except (OSError, subprocess.CalledProcessError, OvaError) as error:
        if not given.isdigit():
            raise OvaError(
                f"{project} is no git repository; SOURCE_DATE_EPOCH must say when the sources were made"
            ) from error
        return Commit(version, "", int(given), True)
    commit, time = line.split()
    return Commit(version, commit, int(given) if given.isdigit() else int(time), changed)


def _git(project: Path, *words: str) -> str:
    # The tree may belong to someone else than root, who builds.
    safe = ("-c", f"safe.directory={project}")
    return programs.run("git", *safe, "-C", str(project), *words).strip()
