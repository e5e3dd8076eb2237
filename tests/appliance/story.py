"""What the tests of one appliance hand on to the next."""

from pathlib import Path

from cryptography import x509

from tests.appliance.appliance import ADMIN, ADMIN_PASSWORD, Appliance
from tests.support.images import tar_file
from tests.support.program import Program


class Story:
    """The appliance that runs, its authority, what was pushed to it."""

    def __init__(self, appliance: Appliance, docker: Program, folder: Path) -> None:
        self.appliance, self.docker, self.folder = appliance, docker, folder
        self.authority = ""
        self.acknowledged: dict[str, str] = {}

    def image(self, name: str, size_bytes: int = 4000) -> str:
        """Make an image on this machine, ready to be pushed; returns how docker calls it."""
        reference = f"{self.appliance.site}/{name}"
        self.docker.ok("import", tar_file(self.folder, size_bytes), reference)
        return reference

    def push(self, name: str, size_bytes: int = 4000) -> None:
        """Push an image; what was acknowledged is remembered."""
        reference = self.image(name, size_bytes)
        made = self.docker.ok("image", "inspect", "--format", "{{.Id}}", reference).out
        self.docker.ok("push", reference)
        self.acknowledged[name] = made
        self.docker.ok("image", "rm", reference)

    def log_in(self) -> None:
        """Let docker know the authority, and log in."""
        place = Path("/etc/docker/certs.d") / self.appliance.site
        place.mkdir(parents=True, exist_ok=True)
        (place / "ca.crt").write_text(self.authority)
        words = ("login", "--username", ADMIN, "--password-stdin", self.appliance.site)
        assert "Login Succeeded" in self.docker.ok(*words, stdin=ADMIN_PASSWORD).text

    def all_is_there(self) -> None:
        """Pull everything that was acknowledged and not deleted."""
        for name, made in self.acknowledged.items():
            reference = f"{self.appliance.site}/{name}"
            self.docker.ok("pull", reference)
            assert self.docker.ok("image", "inspect", "--format", "{{.Id}}", reference).out == made
            self.docker.ok("image", "rm", reference)

    def trust(self) -> None:
        """Take the authority from where the documentation says, compare it, and give it to docker."""
        told = self.appliance.ask("/api/v2.0/systeminfo/getcert")
        assert told.status == 200
        self.authority = told.body.decode()
        shown = x509.load_pem_x509_certificate(told.body)
        inside = self.appliance.ssh("cat /etc/moorage/tls/ca.crt")
        assert x509.load_pem_x509_certificate(inside.encode()) == shown
