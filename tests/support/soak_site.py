"""A registry that collects as fast as it can, with clients that never rest, and the last judgement."""

import json
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.child import Child
from tests.support.registry import RegistryClient
from tests.support.server import MOORAGE, RunningServer
from tests.support.site import Site
from tests.support.soak import Soaker, Weather, digest_at

#: How long an answer "it is there" binds; several times as long as the slowest push on a quiet machine.
LEASE_SECONDS = 8.0
SETTINGS = {
    "MOORAGE_UPLOADS_LEASE_HOURS": str(LEASE_SECONDS / 3600),
    "MOORAGE_GC_CRON": "",
    "MOORAGE_GC_GRACE_MINUTES": "0",
    "MOORAGE_GC_JITTER_SECONDS": "0",
    "MOORAGE_GC_UNTAGGED_HOURS": "0",
    "MOORAGE_GC_TRASH_HOURS": "0",
    "MOORAGE_LOGIN_ATTEMPTS": "10000",
    "MOORAGE_LOGIN_ADDRESS_ATTEMPTS": "100000",
}
_COMMAND_SECONDS = 120
_ABANDONED_SECONDS = 40
_COUNTED = ("manifests", "blobs", "freed_bytes")


class Collector:
    """`moorage run gc` again and again, each run a process of its own.

    Attributes:
        counts: runs and what they say they removed.
    """

    def __init__(self, server: RunningServer, weather: Weather) -> None:
        self.counts: Counter[str] = Counter()
        self.failures: list[str] = []
        self._server = server
        self._weather = weather
        self._log = server.folder / "gc.log"
        self._stopping = threading.Event()
        self._alone = threading.Lock()
        self._child: Child | None = None
        self._killed = False
        self._thread = threading.Thread(target=self._run, name="collector", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the run that goes on."""
        self._stopping.set()
        self._thread.join(_COMMAND_SECONDS)
        assert not self._thread.is_alive(), "the collector does not come to an end"

    def kill(self) -> None:
        """SIGKILL to the run that goes on, if there is one."""
        with self._alone:
            if self._child is not None:
                self._killed = True
                self._child.kill()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._once()
        except Exception as error:
            self._fail(f"collector: {type(error).__name__}: {error}")

    def _once(self) -> None:
        with self._alone:
            self._killed = False
            command = [MOORAGE, "run", "gc", "--json"]
            self._child = Child(command, self._log, env=self._server.environment(), cwd=self._server.folder)
        code = self._child.ended(_COMMAND_SECONDS)
        with self._alone:
            output, self._child = self._child.output, None
        if self._killed:
            self.counts["killed"] += 1
        elif code != 0:
            self._fail(f"moorage run gc ended with {code}:\n{output[-2000:]}")
        else:
            self.counts["runs"] += 1
            told = document_in(output)
            self.counts.update({name: int(str(told.get(name, 0))) for name in _COUNTED})

    def _fail(self, text: str) -> None:
        self.failures.append(text)
        self._stopping.set()
        self._weather.trouble.set()


def document_in(output: str) -> Mapping[str, object]:
    """The JSON document that a command printed, after whatever it logged."""
    begin = output.index("{\n")
    found: Mapping[str, object]
    found, _ = json.JSONDecoder().raw_decode(output[begin:])
    return found


def fsck(server: RunningServer, *words: str) -> tuple[int, Mapping[str, object]]:
    """`moorage fsck` of everything, each file read; gives its exit code and what it found."""
    done = subprocess.run(
        [MOORAGE, "fsck", "--json", *words],
        env={**server.environment(), "MOORAGE_FSCK_MIB_PER_SECOND": "0"},
        cwd=server.folder,
        capture_output=True,
        text=True,
        timeout=_COMMAND_SECONDS,
        check=False,
    )
    assert done.stdout.strip(), f"moorage fsck said nothing: {done.stderr[-2000:]}"
    return done.returncode, document_in(done.stdout)


def collect_the_rest(server: RunningServer) -> Counter[str]:
    """When nobody pushes any more: collect until the leases are over and a run finds nothing.

    A run whose process was killed is nobody else's for a while, and one that waits says nothing.
    """
    total: Counter[str] = Counter()
    deadline = time.monotonic() + _ABANDONED_SECONDS + 6 * LEASE_SECONDS
    quiet = 0
    while quiet < 2:
        assert time.monotonic() < deadline, f"the collector never finds nothing: {total}"
        done = subprocess.run(
            [MOORAGE, "run", "gc", "--json"],
            env=server.environment(),
            cwd=server.folder,
            capture_output=True,
            text=True,
            timeout=_COMMAND_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        told = document_in(done.stdout)
        removed = {name: int(str(told.get(name, 0))) for name in _COUNTED}
        total.update(removed)
        waits = told["state"] != "success" or told["waiting_bytes"] or told["waiting_manifests"]
        quiet = 0 if waits or removed["blobs"] or removed["manifests"] else quiet + 1
    return total


def check_everything_held(site: Site, soakers: Sequence[Soaker]) -> int:
    """Pull all that was acknowledged and compare what each tag names; returns how many tags."""
    client = site.client()
    for soaker in soakers:
        for (repository, tag), digest in sorted(soaker.held.items()):
            assert digest_at(client, repository, tag) == digest, f"{soaker.name}: {repository}:{tag} moved"
            client.pull(repository, tag)
    client.close()
    return sum(len(soaker.held) for soaker in soakers)


def needed_blobs(client: RegistryClient, soakers: Sequence[Soaker]) -> set[str]:
    """The digests of all blobs that the tags need, by the manifests that the registry serves."""
    needed: set[str] = set()
    unseen = {(repository, digest) for soaker in soakers for (repository, _), digest in soaker.held.items()}
    while unseen:
        repository, digest = unseen.pop()
        document = client.pull_manifest(repository, digest).json()
        unseen |= {(repository, child["digest"]) for child in document.get("manifests", ())}
        if "config" in document:
            needed |= {each["digest"] for each in (document["config"], *document["layers"])}
    return needed


def stored_blobs(data: Path) -> set[str]:
    """The digests of all files in the place of blobs."""
    files = (path for path in (data / "blobs").rglob("*") if path.is_file())
    return {f"{path.parent.parent.name}:{path.name}" for path in files}
