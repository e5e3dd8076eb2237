"""Small programs in Go against Debian's govmomi, built once for each state of their source."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

_LIBRARY = Path("/usr/share/gocode/src/github.com/vmware/govmomi/simulator")


def go_program(source: Path, name: str) -> Path:
    """The program, built if its source is another than last time.

    Raises:
        FileNotFoundError: Debian's golang-go or golang-github-vmware-govmomi-dev is missing.
    """
    go = shutil.which("go")
    if go is None or not _LIBRARY.is_dir():
        raise FileNotFoundError("golang-go and golang-github-vmware-govmomi-dev: see make programs")
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "moorage-tests"
    cache.mkdir(parents=True, exist_ok=True)
    built = cache / f"{name}-{hashlib.sha256(source.read_bytes()).hexdigest()[:16]}"
    if not built.exists():
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            partial = Path(folder) / name
            environment = {
                **os.environ,
                "GO111MODULE": "off",
                "GOPATH": f"{folder}/go:/usr/share/gocode",
                "GOCACHE": str(cache / "go-build"),
                "GOFLAGS": "",
            }
            subprocess.run([go, "build", "-o", partial, source], env=environment, check=True)
            partial.rename(built)
    return built
