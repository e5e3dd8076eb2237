"""From the deployment of one appliance to the day after its power failed, in the order of the tests."""

import hashlib
import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.appliance.appliance import ADMIN, ADMIN_PASSWORD, HOST, ROOT_PASSWORD, Appliance
from tests.appliance.machine import GATEWAY, GUEST_ADDRESS, Disks
from tests.appliance.story import Story
from tests.support.dockerd import DockerDaemon

PERSON = (ADMIN, ADMIN_PASSWORD)
KEPT, DELETED = "library/kept", "library/deleted"
LAYER_BYTES = 24_000_000
_BEGUN_BYTES = 1_000_000
_GC_SECONDS = 240
_SIP_BYTES, _SIP_SECONDS = 40_000, 0.5


@pytest.fixture(scope="module")
def story(
    system_disk: Path,
    port: int,
    key: Path,
    docker_folder: Path,
    docker_daemon: DockerDaemon,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("first-day")
    appliance = Appliance(Disks(folder / "disks", system_disk), port, key, {"registry.gc_on_restart": "True"})
    found = Story(appliance, docker_daemon.client(folder / "docker"), folder)
    try:
        yield found
    finally:
        found.appliance.machine.pull_the_plug()


def test_it_serves_after_its_first_boot_over_tls_of_its_own_authority(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    story.appliance.machine.power_on()
    seconds = story.appliance.until_serving()
    story.trust()
    assert story.appliance.ask("/v2/", authority=story.authority).status == 401
    with capsys.disabled():
        print(f"\n  power-on to first answer: {seconds:.0f} s")


def test_the_properties_were_applied(story: Story) -> None:
    appliance = story.appliance
    assert appliance.ssh("hostname --fqdn") == HOST
    assert f"inet {GUEST_ADDRESS}/24" in appliance.ssh("ip address show")
    assert f"default via {GATEWAY}" in appliance.ssh("ip route show")
    assert _is_password_of_root(appliance, ROOT_PASSWORD)


def test_all_is_well_and_no_unit_failed(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    found = story.appliance.until_well()
    assert set(found["parts"].values()) == {"done", "running"}
    assert all(each["agrees"] for each in found["network"])
    assert story.appliance.ssh("systemctl --failed --plain --no-legend") == ""
    with capsys.disabled():
        print("\n  " + story.appliance.ssh("free --mebi | sed -n 2p"))
        print("  " + story.appliance.ssh("systemd-analyze time | head -1"))


def test_nothing_runs_as_root_that_answers_the_network(story: Story) -> None:
    listening = story.appliance.ssh("ss --listening --tcp --processes --no-header --numeric")
    owners = story.appliance.ssh("ps -C nginx,moorage -o user=,args=")
    workers = [line for line in owners.splitlines() if "master process" not in line]
    assert workers
    assert all(line.startswith("moorage") for line in workers), owners
    outside = {line.split()[3].rpartition(":")[2] for line in listening.splitlines() if "127.0.0" not in line}
    assert str(story.port) in outside
    assert outside <= {str(story.port), "22", "80", "443", "4443", "5355"}, listening


def test_the_console_shows_the_address_and_the_fingerprint(story: Story, tmp_path: Path) -> None:
    picture = tmp_path / "console.ppm"
    story.appliance.machine.screenshot(picture)
    assert picture.stat().st_size > 0
    shown = story.appliance.ssh("setterm --dump 1 --file /dev/stdout 2>/dev/null || cat /dev/vcs1")
    assert f"https://{story.appliance.site}" in shown
    assert "Fingerprint" in shown
    assert ROOT_PASSWORD not in shown
    assert ADMIN_PASSWORD not in shown


def test_docker_logs_in_pushes_and_pulls(story: Story) -> None:
    story.log_in()
    story.push(f"{KEPT}:1", LAYER_BYTES)
    story.all_is_there()


def test_the_timers_wait_and_what_they_start_works(story: Story) -> None:
    timers = story.appliance.ssh("systemctl list-timers --all --plain --no-legend 'moorage-*'")
    for name in ("gc", "fsck", "certificate", "identity-refresh", "scan", "replicate", "backup"):
        assert f"moorage-{name}.timer" in timers
    for name in ("gc", "certificate", "identity-refresh"):
        story.appliance.ssh(f"systemctl start moorage-{name}.service")


def test_a_restart_frees_what_was_deleted_while_a_pull_goes_on(story: Story) -> None:
    appliance = story.appliance
    _without_waiting(appliance)
    # Pushed only now: the lease of a push lasts as long as was set when it was made.
    story.push(f"{DELETED}:1", LAYER_BYTES)
    appliance.machine.until("no collection is under way", lambda: _collected(appliance), _GC_SECONDS)
    base = "/api/v2.0/projects/library/repositories"
    listed = appliance.ask(f"{base}/deleted/artifacts", person=PERSON).json
    before = _content_bytes(appliance)
    pulled = _Pull(story, KEPT)
    pulled.begin()
    gone = appliance.ask(f"{base}/deleted/artifacts/{listed[0]['digest']}", "DELETE", person=PERSON)
    assert gone.status == 200
    del story.acknowledged[f"{DELETED}:1"]
    appliance.ssh("systemctl restart moorage.target")
    assert pulled.is_under_way(), "the pull was over before the restart was"
    appliance.until_serving()
    assert pulled.is_whole()

    def freed() -> bool | None:
        return True if before - _content_bytes(appliance) >= LAYER_BYTES else None

    appliance.machine.until("the deleted image's bytes are free", freed, _GC_SECONDS)
    story.all_is_there()


def test_a_power_cut_in_the_middle_of_a_push_loses_nothing(story: Story) -> None:
    appliance = story.appliance
    reference = story.image("library/cut:1", 3 * LAYER_BYTES)
    story.push("library/just:1")
    push = threading.Thread(target=story.docker.run, args=("push", reference))
    push.start()

    def arriving() -> bool | None:
        held = int(appliance.ssh("du --bytes -s /storage/data/registry/spool").split()[0])
        return True if held > _BEGUN_BYTES else None

    appliance.machine.until("a part of the layer is there", arriving)
    appliance.machine.pull_the_plug()
    push.join(300)
    story.appliance.disks.grow("data", "1G")
    changed = {
        "registry.gc_on_restart": "False",
        "log.retention_days": "30",
        "network.search": "moorage.test",
    }
    changed |= {"appliance.root_password": "Another-Horse-8"}
    story.appliance = story.appliance.again(changed)
    story.appliance.machine.power_on()
    story.appliance.until_serving()
    # By the authority of the first boot, or this would be an error.
    assert story.appliance.ask("/v2/", authority=story.authority).status == 401
    story.appliance.until_well()
    story.all_is_there()
    story.docker.ok("push", reference)


def test_everything_stored_is_sound_after_the_power_cut(story: Story) -> None:
    story.appliance.ssh("systemctl start moorage-fsck.service", check=False)
    said = story.appliance.ssh("journalctl -b -u moorage-fsck.service -o cat")
    assert story.appliance.ssh("systemctl show -p Result --value moorage-fsck.service") == "success", said
    errors = story.appliance.ssh("journalctl -b -p err -o cat -t kernel", check=False)
    assert not any(name in errors for name in ("XFS", "EXT4")), errors


def test_the_disk_that_grew_is_seen(story: Story) -> None:
    size = int(story.appliance.ssh("df --block-size=1M --output=size /storage/data | tail -1"))
    assert 5 * 1024 * 0.9 < size <= 5 * 1024


def test_changed_properties_were_applied_and_the_password_of_root_was_not(story: Story) -> None:
    appliance = story.appliance
    assert "MaxRetentionSec=30day" in appliance.ssh("cat /etc/systemd/journald.conf.d/zz-moorage.conf")
    assert "moorage.test" in appliance.ssh("resolvectl domain")
    configuration = appliance.ask("/api/v2.0/configurations", person=PERSON)
    assert configuration.status == 200
    assert _is_password_of_root(appliance, ROOT_PASSWORD)


def test_it_shuts_down_by_itself(story: Story) -> None:
    story.appliance.shut_down()


class _Pull:
    """A layer that is read so slowly that it is under way for as long as the registry restarts."""

    def __init__(self, story: Story, repository: str) -> None:
        self._story, self._repository = story, repository
        self._connection = story.appliance.connect(story.authority)
        self._digest, self._seen = "", hashlib.sha256()
        self._hurry = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)

    def begin(self) -> None:
        token = self._token()
        headers = {"Authorization": f"Bearer {token}"}
        accept = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}
        self._connection.request("GET", f"/v2/{self._repository}/manifests/1", headers=headers | accept)
        self._digest = json.loads(self._connection.getresponse().read())["layers"][0]["digest"]
        self._connection.request("GET", f"/v2/{self._repository}/blobs/{self._digest}", headers=headers)
        self._answer = self._connection.getresponse()
        assert self._answer.status == 200
        self._reader.start()

    def is_under_way(self) -> bool:
        return self._reader.is_alive()

    def is_whole(self) -> bool:
        """Read the rest at full speed, and say whether it is what its digest says."""
        self._hurry.set()
        self._reader.join(_GC_SECONDS)
        self._connection.close()
        return f"sha256:{self._seen.hexdigest()}" == self._digest

    def _read(self) -> None:
        # Never silent for a minute: nginx takes such a client for gone.
        while data := self._answer.read(_SIP_BYTES):
            self._seen.update(data)
            self._hurry.wait(_SIP_SECONDS)

    def _token(self) -> str:
        path = f"/service/token?service=moorage&scope=repository:{self._repository}:pull"
        return str(self._story.appliance.ask(path, person=PERSON).json["token"])


def _without_waiting(appliance: Appliance) -> None:
    """Let go at once what otherwise stays a day for pushes under way, and an hour in the trash."""
    settings = ("UPLOADS_LEASE_HOURS=0.0001", "GC_GRACE_MINUTES=0", "GC_JITTER_SECONDS=0", "GC_TRASH_HOURS=0")
    words = " ".join(("[Service]", *(f"Environment=MOORAGE_{each}" for each in settings)))
    for name in ("registry", "portal", "worker"):
        folder = f"/run/systemd/system/moorage-{name}.service.d"
        appliance.ssh(f"mkdir -p {folder}; printf '%s\\n' {words} > {folder}/test.conf")
    appliance.ssh("systemctl daemon-reload; systemctl restart moorage.target")
    appliance.until_serving()


def _collected(appliance: Appliance) -> bool | None:
    """Say whether collections were made and all are over: one under way has marked what it takes."""
    made = appliance.ask("/api/v2.0/system/gc", person=PERSON).json
    return True if made and all(each["job_status"] not in {"Pending", "Running"} for each in made) else None


def _content_bytes(appliance: Appliance) -> int:
    return int(appliance.ssh("du --bytes -s /storage/data/registry").split()[0])


def _is_password_of_root(appliance: Appliance, password: str) -> bool:
    hashed = appliance.ssh("getent shadow root").split(":")[1]
    _, kind, salt, _ = hashed.split("$")
    words = ("openssl", "passwd", f"-{kind}", "-salt", salt, "-stdin")
    made = subprocess.run(words, input=password, capture_output=True, text=True, check=True).stdout
    return made.strip() == hashed
