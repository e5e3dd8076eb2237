"""skopeo and docker as clients that never rest."""

import shutil
from pathlib import Path

from tests.support.administration import Login
from tests.support.containers import skopeo
from tests.support.dockerd import DockerDaemon
from tests.support.images import Image
from tests.support.layout import write_layout
from tests.support.program import FailedError
from tests.support.registry import RegistryClient
from tests.support.soak import Driver, GoneError, delete, digest_at
from tests.support.soak_images import Stock

_INTO, _FROM, _PLAIN = "--dest-tls-verify=false", "--src-tls-verify=false", "--tls-verify=false"
_GONE = ("manifest unknown", "name unknown", "404", "image may not exist")


class SkopeoDriver(Driver):
    """skopeo copy and delete; it mounts by what it remembers of former copies.

    It takes a tag for its manifest when it deletes; our own client deletes the tag alone.
    """

    def __init__(self, folder: Path, host: str, who: Login, stock: Stock, client: RegistryClient) -> None:
        self.images = [*stock.images, *stock.indexes]
        self._client = client
        self._folder = folder
        self._host = host
        self._program = skopeo(folder / "home")
        words = (_PLAIN, "--username", who.name, "--password-stdin", host)
        self._program.ok("login", *words, stdin=who.password)

    def push(self, image: Image, repository: str, tag: str) -> str:
        words = ("copy", "--all", "--preserve-digests", _INTO)
        self._program.ok(*words, self._layout(image), self._at(f"{repository}:{tag}"))
        return image.digest

    def pull(self, repository: str, tag: str) -> None:
        target = self._folder / "pulled"
        shutil.rmtree(target, ignore_errors=True)
        self._program.ok("copy", "--all", _FROM, self._at(f"{repository}:{tag}"), f"dir:{target}")

    def retag(self, repository: str, tag: str, new: str) -> str:
        source, target = self._at(f"{repository}:{tag}"), self._at(f"{repository}:{new}")
        self._program.ok("copy", "--all", "--preserve-digests", _FROM, _INTO, source, target)
        return digest_at(self._client, repository, new)

    def delete(self, repository: str, reference: str) -> None:
        if ":" not in reference:
            delete(self._client, repository, reference)
            return
        outcome = self._program.run("delete", _PLAIN, self._at(f"{repository}@{reference}"))
        if outcome.code != 0:
            gone = any(word in outcome.text.lower() for word in _GONE)
            raise (GoneError if gone else FailedError)(str(outcome))

    def _layout(self, image: Image) -> str:
        folder = self._folder / "layouts" / image.digest[-12:]
        return f"oci:{folder}:x" if folder.exists() else write_layout(folder, image, "x")

    def _at(self, name: str) -> str:
        return f"docker://{self._host}/{name}"


class DockerDriver(Driver):
    """docker push and pull; it remembers where it saw which layer, asks with HEAD and mounts.

    It compresses layers anew, so its manifests are not the stock's. What it cannot do, delete in a
    registry, our own client does for it.
    """

    def __init__(
        self,
        folder: Path,
        daemon: DockerDaemon,
        host: str,
        who: Login,
        *,
        stock: Stock,
        client: RegistryClient,
    ) -> None:
        self.images = stock.images[:6]
        self._host = host
        self._client = client
        self._program = daemon.client(folder)
        words = ("--username", who.name, "--password-stdin", host)
        self._program.ok("login", *words, stdin=who.password)
        packer = skopeo(folder / "home")
        for image in self.images:
            archive = folder / f"{image.digest[-12:]}.tar"
            layout = write_layout(folder / "layouts" / image.digest[-12:], image, "x")
            packer.ok("copy", layout, f"docker-archive:{archive}:{_local(image)}")
            self._program.ok("load", "--input", archive)
            archive.unlink()

    def push(self, image: Image, repository: str, tag: str) -> str:
        name = f"{self._host}/{repository}:{tag}"
        self._program.ok("tag", _local(image), name)
        self._push(name)
        return digest_at(self._client, repository, tag)

    def pull(self, repository: str, tag: str) -> None:
        self._program.ok("pull", f"{self._host}/{repository}:{tag}")

    def retag(self, repository: str, tag: str, new: str) -> str:
        old, name = f"{self._host}/{repository}:{tag}", f"{self._host}/{repository}:{new}"
        self._program.ok("pull", old)
        self._program.ok("tag", old, name)
        self._push(name)
        return digest_at(self._client, repository, new)

    def delete(self, repository: str, reference: str) -> None:
        delete(self._client, repository, reference)

    def _push(self, name: str) -> None:
        outcome = self._program.ok("push", name)
        if "Retrying" in outcome.text:  # it hides what went wrong at first
            raise FailedError(str(outcome))


def _local(image: Image) -> str:
    return f"soak:{image.digest[-12:]}"
