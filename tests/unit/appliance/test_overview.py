import json

from moorage_appliance.commands import CommandFailedError, Completed
from moorage_appliance.overview import overview
from moorage_appliance.paths import Paths
from moorage_appliance.problem import Problem
from moorage_appliance.status import StatusFile

ADDRESSES = [
    {"addr_info": [{"local": "127.0.0.1", "scope": "host"}]},
    {
        "addr_info": [
            {"local": "192.0.2.10", "scope": "global"},
            {"local": "fe80::1", "scope": "link"},
            {"local": "2001:db8::1", "scope": "global"},
            {"local": "2001:db8::99", "scope": "global", "temporary": True},
        ]
    },
]
UNITS = """Id=moorage-registry.service
ActiveState=active

Id=moorage-portal.service
ActiveState=failed

Id=moorage-worker.service
ActiveState=inactive

Id=nginx.service
ActiveState=activating
"""


class Machine:
    """Answers as the programs of a machine do; without one that is missing."""

    def run(self, *argv: str, stdin: bytes = b"", check: bool = True) -> Completed:
        if argv[:3] == ("ip", "-json", "address"):
            return Completed(0, json.dumps(ADDRESSES), "")
        if argv[:3] == ("ip", "-json", "route"):
            return Completed(0, json.dumps([{"dst": "default", "gateway": "192.0.2.254"}]), "")
        if argv[:2] == ("systemctl", "show"):
            return Completed(0, UNITS, "")
        raise CommandFailedError(argv[0])


def shown(tmp_path, **values: str):
    paths = Paths(tmp_path)
    paths.run.mkdir(parents=True)
    (paths.run / "properties.json").write_text(
        json.dumps({key.replace("__", "."): value for key, value in values.items()})
    )
    return overview(paths, Machine())


def test_it_shows_where_registry_and_portal_are_by_every_lasting_address(tmp_path) -> None:
    found = shown(tmp_path, network__hostname="registry.example.com", registry__portal_port="8443")
    assert found.registry == ("https://registry.example.com", "https://192.0.2.10", "https://[2001:db8::1]")
    assert found.portal[0] == "https://registry.example.com:8443"


def test_each_part_is_as_systemd_says(tmp_path) -> None:
    parts = shown(tmp_path).parts
    wanted = {
        "registry": "running",
        "portal": "failed",
        "worker": "off",
        "nginx": "waiting",
        "database": "off",
    }
    assert {name: parts[name] for name in wanted} == wanted


def test_the_network_is_compared_with_what_was_set(tmp_path) -> None:
    found = shown(
        tmp_path, network__address="192.0.2.10", network__netmask="24", network__gateway="192.0.2.1"
    )
    assert {each.name: each.agrees for each in found.network} == {
        "address": True,
        "gateway": False,
        "DNS": True,
        "time": True,
    }


def test_the_first_password_is_shown_while_its_file_is_there(tmp_path) -> None:
    paths = Paths(tmp_path)
    paths.registry.mkdir(parents=True)
    (paths.registry / "admin-password").write_text("made-up\n")
    assert shown(tmp_path).first_password == "made-up"


def test_a_warning_is_no_fault_and_a_problem_is_one(tmp_path) -> None:
    StatusFile(Paths(tmp_path)).problems("certificate", [Problem("tls.key", "bad", "mend it")])
    (tmp_path / "run/moorage-appliance/properties.json").write_text("{}")
    found = overview(Paths(tmp_path), Machine())
    assert not found.is_well
    assert found.row()["problems"][0]["property"] == "tls.key"
