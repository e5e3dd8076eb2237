"""Clients of three kinds and a collector that never rests: no client notices it, nothing is lost, and
nothing that nobody needs is left. `make soak` does it for longer."""

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.dockerd import DockerDaemon
from tests.support.server import RunningServer
from tests.support.site import PRIVATE, Site, populate
from tests.support.soak import RawDriver, Soaker, Weather
from tests.support.soak_images import Stock
from tests.support.soak_programs import DockerDriver, SkopeoDriver
from tests.support.soak_site import (
    LEASE_SECONDS,
    SETTINGS,
    Collector,
    check_everything_held,
    collect_the_rest,
    fsck,
    needed_blobs,
    stored_blobs,
)

SEED = 20
RAW_CLIENTS = 6
SKOPEO_CLIENTS = 1
KILL_EVERY_SECONDS = (2.0, 5.0)
FEWEST_KILLS = 4
#: What a kill may leave behind: files that no row knows. It breaks nothing, and a check removes it.
LEFT_BEHIND = {"orphan_file", "stray_file", "orphan_upload"}

Report = Callable[[str], None]


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Report:
    """Prints into the test log, also when the test passes."""

    def say(text: str) -> None:
        with capsys.disabled():
            print(f"\n  {text}", end="")

    return say


@pytest.fixture
def seconds(request: pytest.FixtureRequest) -> float:
    found: float = request.config.getoption("--soak-seconds")
    return found


def database(kind: str, request: pytest.FixtureRequest, name: str) -> str:
    if kind == "sqlite":
        return ""
    url: str = request.getfixturevalue("postgresql_server").create(name)
    return url


def made_soakers(site: Site, folder: Path, daemon: DockerDaemon, weather: Weather) -> list[Soaker]:
    """Eight clients, two repositories each, with the same images; they mount from one another."""
    stock, who = Stock(SEED), site.maintainer
    names = [f"client-{number}" for number in range(RAW_CLIENTS + SKOPEO_CLIENTS + 1)]
    repositories = {name: [f"{PRIVATE}/{name}-a", f"{PRIVATE}/{name}-b"] for name in names}
    everywhere = [each for pair in repositories.values() for each in pair]
    soakers = []
    for number, name in enumerate(names):
        client = site.client(who)
        if number < RAW_CLIENTS:
            pause = LEASE_SECONDS / 3 if number % 2 else 0
            driver = RawDriver(client, stock, everywhere, seed=SEED + number, pause_seconds=pause)
        elif number < RAW_CLIENTS + SKOPEO_CLIENTS:
            driver = SkopeoDriver(folder / name, site.host, who, stock, client)
        else:
            driver = DockerDriver(folder / name, daemon, site.host, who, stock=stock, client=client)
        soakers.append(
            Soaker(
                *(name, driver, repositories[name]),
                seed=SEED + number,
                weather=weather,
                lease_seconds=LEASE_SECONDS,
            )
        )
    return soakers


@contextmanager
def at_work(soakers: Sequence[Soaker], collector: Collector) -> Iterator[None]:
    """All of them, for the length of the block; after it whatever went wrong is told."""
    collector.start()
    for soaker in soakers:
        soaker.start()
    try:
        yield
    finally:
        for soaker in soakers:
            soaker.stop()
        for soaker in soakers:
            soaker.join()
        collector.stop()
    failures = [each for soaker in soakers for each in soaker.failures] + collector.failures
    slowest = max(soaker.slowest for soaker in soakers)
    assert not failures, f"(slowest push {slowest:.1f} s, lease {LEASE_SECONDS} s)\n" + "\n".join(failures)


def told(soakers: Sequence[Soaker], collector: Collector) -> str:
    done = sum((soaker.done for soaker in soakers), Counter())
    slowest = max(soaker.slowest for soaker in soakers)
    done["blobs mounted"] = sum(soaker.driver.mounted for soaker in soakers)
    words = ", ".join(f"{count} {name}" for name, count in sorted(done.items()))
    counts = collector.counts
    return (
        f"{words}; slowest push {slowest:.1f} s; {counts['runs']} gc runs, {counts['killed']} killed, "
        f"meanwhile collected: {counts['manifests']} manifests, {counts['blobs']} blobs, "
        f"{counts['freed_bytes']:,} bytes"
    )


@pytest.mark.parametrize(("kind", "share"), [("sqlite", 1.0), ("postgresql", 0.4)])
def test_no_client_notices_the_collector(
    kind: str,
    share: float,
    tmp_path: Path,
    docker_daemon: DockerDaemon,
    request: pytest.FixtureRequest,
    seconds: float,
    report: Report,
) -> None:
    server = RunningServer(tmp_path / "server", database(kind, request, "moorage_soak"), settings=SETTINGS)
    request.addfinalizer(server.kill)
    site = populate(server.start())
    weather = Weather()
    soakers, collector = made_soakers(site, tmp_path, docker_daemon, weather), Collector(server, weather)
    with at_work(soakers, collector):
        weather.trouble.wait(seconds * share)
    report(told(soakers, collector))
    assert collector.counts["blobs"] > 0, "nothing was collected while clients were at work"
    assert collector.counts["manifests"] > 0

    judge(site, soakers, report)
    code, found = fsck(server)
    assert (code, found["findings"]) == (0, {}), found


@pytest.mark.parametrize(("kind", "share"), [("sqlite", 0.6), ("postgresql", 0.5)])
def test_nothing_acknowledged_is_lost_when_everything_is_killed_again_and_again(
    kind: str,
    share: float,
    tmp_path: Path,
    docker_daemon: DockerDaemon,
    request: pytest.FixtureRequest,
    seconds: float,
    report: Report,
) -> None:
    server = RunningServer(
        tmp_path / "server", database(kind, request, "moorage_soak_killed"), settings=SETTINGS
    )
    request.addfinalizer(server.kill)
    site = populate(server.start())
    weather = Weather()
    soakers, collector = made_soakers(site, tmp_path, docker_daemon, weather), Collector(server, weather)
    chance, kills = random.Random(SEED), 0
    with at_work(soakers, collector):
        deadline = time.monotonic() + seconds * share
        while time.monotonic() < deadline or kills < FEWEST_KILLS:
            if weather.trouble.wait(chance.uniform(*KILL_EVERY_SECONDS)):
                break
            weather.fell()
            server.kill()
            if kills % 4 == 2:  # the run of a killed process is nobody else's for half a minute
                collector.kill()
            server.start()
            weather.rose()
            kills += 1
    report(f"{kills} kills; {told(soakers, collector)}")
    assert collector.counts["killed"] > 0
    assert collector.counts["manifests"] + collector.counts["blobs"] > 0

    _, found = fsck(server)
    assert set(found["findings"]) <= LEFT_BEHIND, found
    fsck(server, "--repair")
    judge(site, soakers, report)
    code, found = fsck(server)
    assert (code, found["findings"]) == (0, {}), found


def judge(site: Site, soakers: Sequence[Soaker], report: Report) -> None:
    """When all is quiet: what was acknowledged is whole, and there is nothing else."""
    rest_of_it = collect_the_rest(site.server)
    tags = check_everything_held(site, soakers)
    client = site.client()
    needed, stored = needed_blobs(client, soakers), stored_blobs(site.server.data)
    client.close()
    assert needed - stored == set()
    assert stored - needed == set(), "garbage is left"
    assert site.server.stop(signal.SIGTERM) == 0
    report(f"{tags} tags pull, {len(stored)} blobs are left; collected after the end: {rest_of_it['blobs']}")
