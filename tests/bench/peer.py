"""Debian's docker-registry on a folder: no accounts, no log, its cache of blob sizes as Debian sets it."""

import os
import secrets
import shutil
import subprocess
from pathlib import Path

from tests.bench.errors import BenchError
from tests.bench.programs import Program
from tests.bench.target import FixedToken, Target
from tests.support.free_port import free_port

_START_SECONDS = 20.0
_CONFIGURATION = """\
version: 0.1
log:
  level: error
  accesslog:
    disabled: true
storage:
  cache:
    blobdescriptor: inmemory
  filesystem:
    rootdirectory: {data}
  delete:
    enabled: true
http:
  addr: 127.0.0.1:{port}
  secret: {secret}
  headers:
    X-Content-Type-Options: [nosniff]
"""


def start_peer(folder: Path, name: str = "peer") -> Target:
    """Start a docker-registry that keeps everything below `folder`.

    Raises:
        BenchError: it is not installed, or does not start.
    """
    program = shutil.which("docker-registry")
    if program is None:
        raise BenchError("docker-registry is not installed (Debian: apt-get install docker-registry)")
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    configuration = write_configuration(folder, port)
    server = Program(name, [program, "serve", str(configuration)], os.environ, folder / "log")
    url = f"http://127.0.0.1:{port}"
    title = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    target = Target(
        name, f"docker-registry {title.split()[-1]}", url, FixedToken(), roots=(server.pid,), stop=server.stop
    )
    try:
        server.await_answer(url, "/v2/", _START_SECONDS)
    except BenchError:
        server.stop()
        raise
    return target


def write_configuration(folder: Path, port: int) -> Path:
    """The file that makes a docker-registry keep its data below `folder`."""
    path = folder / "config.yml"
    path.write_text(_CONFIGURATION.format(data=folder / "data", port=port, secret=secrets.token_hex(16)))
    return path
