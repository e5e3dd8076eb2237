"""Properties that are wrong, then mended; firmware of both kinds; a certificate of the site's own."""

import ssl
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import PrivateFormat

from tests.appliance.appliance import ADMIN, HOST, Appliance
from tests.appliance.authority import SiteAuthority, key_pem, new_key, one_line
from tests.appliance.machine import GUEST_ADDRESS, Disks

PASSWORD_OF_KEY = "Rusty-Padlock-3"


class Site:
    """One appliance's disks, which go from machine to machine, and the site's authority."""

    def __init__(self, disks: Disks, port: int, key: Path) -> None:
        self._disks, self._port, self._key = disks, port, key
        self.authority = SiteAuthority()
        self.server_key = new_key()
        self.certificate = self.authority.certify(self.server_key, HOST, GUEST_ADDRESS)

    def appliance(self, changed: Mapping[str, str | None], **how: bool) -> Appliance:
        return Appliance(self._disks, self._port, self._key, changed, **how)

    def tls(self, key: str) -> dict[str, str | None]:
        """The properties of a certificate, each on one line."""
        texts = {"certificate": self.certificate, "key": key, "chain": self.authority.pem}
        return {f"tls.{name}": one_line(text) for name, text in texts.items()}


@pytest.fixture(scope="module")
def site(
    system_disk: Path, port: int, key: Path, docker_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Site:
    assert docker_folder.is_dir()  # the registry's name leads here because of it
    return Site(Disks(tmp_path_factory.mktemp("properties") / "disks", system_disk), port, key)


def test_wrong_properties_never_stop_the_boot_and_are_told_on_efi(site: Site) -> None:
    locked = key_pem(site.server_key, PrivateFormat.PKCS8, PASSWORD_OF_KEY)
    wrong = {"network.netmask": "255.0.255.0", "network.dns": "not-an-address", "syslog.port": "70000"}
    with site.appliance({**site.tls(locked), **wrong, "network.address": None}, efi=True) as appliance:
        page = appliance.until_landing()
        for name in ("tls.key", "network.dns", "syslog.port"):
            assert name in page
        assert "encrypted" in page
        for path in ("/v2/", "/api/v2.0/projects"):
            refused = appliance.ask(path)
            assert refused.status == 503
            assert refused.json["errors"][0]["code"] == "UNAVAILABLE"
        found = appliance.status()
        assert not found["well"]
        assert {"tls.key", "network.dns", "syslog.port"} <= {each["property"] for each in found["problems"]}
        assert appliance.ssh("systemctl show -p ActiveState --value moorage-registry.service") == "inactive"
        for text in (page, appliance.ssh("journalctl -b -o cat"), str(found)):
            assert PASSWORD_OF_KEY not in text
            assert locked.splitlines()[1] not in text


@pytest.mark.parametrize(
    "form", [PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8], ids=["pkcs1", "pkcs8"]
)
def test_a_certificate_of_the_site_is_served(site: Site, form: PrivateFormat) -> None:
    changed = {**site.tls(key_pem(site.server_key, form)), "registry.admin_password": None}
    with site.appliance(changed) as appliance:
        appliance.until_serving()
        assert appliance.ask("/v2/", authority=site.authority.pem).status == 401
        with closing(appliance.connect(site.authority.pem)) as connection:
            connection.connect()
            assert isinstance(connection.sock, ssl.SSLSocket)
            served = connection.sock.getpeercert(binary_form=True)
        assert served == ssl.PEM_cert_to_DER_cert(site.certificate)
        told = appliance.until_well()
        assert told["problems"] == []
        made_up = appliance.ssh("cat /storage/data/registry/admin-password")
        assert appliance.ask("/api/v2.0/users/current", person=(ADMIN, made_up)).status == 200
