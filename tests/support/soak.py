"""Clients that push, pull, retag, mount and delete without rest, and what they were promised."""

import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import TypeVar

import requests

from tests.support.images import Blob, Image
from tests.support.program import FailedError
from tests.support.registry import RefusedError, RegistryClient
from tests.support.soak_images import Stock

_MOST_TAGS = 3
_PATIENCE_SECONDS = 90
T = TypeVar("T")


class GoneError(Exception):
    """What was to be deleted is not there."""


_TROUBLE = (GoneError, RefusedError, FailedError, AssertionError, requests.RequestException)


class Weather:
    """Whether the server is up; a client asks whether it stayed so while something was done.

    Attributes:
        trouble: set by whoever met a failure, so that nobody goes on for long.
    """

    def __init__(self) -> None:
        self.trouble = threading.Event()
        self._changed = threading.Condition()
        self._changes = 0
        self._up = True

    def fell(self) -> None:
        """The server is being killed."""
        self._set(up=False)

    def rose(self) -> None:
        """It is ready again."""
        self._set(up=True)

    def look(self) -> int:
        """Wait until it is up; gives the moment, to be asked about later."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._up, _PATIENCE_SECONDS), "the server stays away"
            return self._changes

    def was_fair(self, since: int) -> bool:
        """Whether it has been up all the time since then."""
        with self._changed:
            return self._up and self._changes == since

    def _set(self, *, up: bool) -> None:
        with self._changed:
            self._up = up
            self._changes += 1
            self._changed.notify_all()


class Driver:
    """How one kind of client does things, each done when it returns.

    Attributes:
        images: what it pushes.
        mounted: blobs that it got by a mount, as far as it knows.
    """

    images: Sequence[Image]
    mounted = 0

    def push(self, image: Image, repository: str, tag: str) -> str:
        """Push with everything below it; returns the manifest's digest."""
        raise NotImplementedError

    def pull(self, repository: str, tag: str) -> None:
        """Pull with everything below it."""
        raise NotImplementedError

    def retag(self, repository: str, tag: str, new: str) -> str:
        """Make another tag of the same manifest; returns its digest."""
        raise NotImplementedError

    def delete(self, repository: str, reference: str) -> None:
        """Delete a tag, or a manifest by its digest.

        Raises:
            GoneError: there is none.
        """
        raise NotImplementedError


class RawDriver(Driver):
    """Our own client; what a repository lacks it asks to be mounted from any other one.

    Args:
        pause_seconds: how long at most it lets pass, every second time, between the last answer
            about a blob and the manifest: so long as other clients take for a large layer.
    """

    def __init__(
        self,
        client: RegistryClient,
        stock: Stock,
        repositories: Sequence[str],
        *,
        seed: int,
        pause_seconds: float,
    ) -> None:
        self.images = [*stock.images, *stock.indexes]
        self._pause_seconds = pause_seconds
        self._client = client
        self._repositories = repositories
        self._chance = random.Random(seed)

    def push(self, image: Image, repository: str, tag: str) -> str:
        for each in image.everything():
            for blob in each.blobs:
                self._push_blob(repository, blob)
            if self._chance.random() < 0.5:
                time.sleep(self._chance.uniform(0, self._pause_seconds))
            self._client.push_manifest(repository, tag if each is image else each.digest, each)
        return image.digest

    def _push_blob(self, repository: str, blob: Blob) -> None:
        if self._client.has_blob(repository, blob.digest):
            return
        source = self._chance.choice(self._repositories)
        self._client.warm(repository, source)
        path = f"/v2/{repository}/blobs/uploads/?mount={blob.digest}&from={source}"
        answer = self._client.request("POST", path)
        if answer.status_code == requests.codes.created:
            self.mounted += 1
        else:
            location = self._client.absolute(answer.headers["Location"])
            self._client.finish_upload(location, blob.digest, blob.data)

    def pull(self, repository: str, tag: str) -> None:
        self._client.pull(repository, tag)

    def retag(self, repository: str, tag: str, new: str) -> str:
        answer = self._client.pull_manifest(repository, tag)
        image = Image(answer.content, answer.headers["Content-Type"])
        self._client.push_manifest(repository, new, image)
        return image.digest

    def delete(self, repository: str, reference: str) -> None:
        delete(self._client, repository, reference)


def digest_at(client: RegistryClient, repository: str, tag: str) -> str:
    """What the tag names."""
    digest: str = client.pull_manifest(repository, tag).headers["Docker-Content-Digest"]
    return digest


def delete(client: RegistryClient, repository: str, reference: str) -> None:
    """Delete a tag, or a manifest by its digest.

    Raises:
        GoneError: there is none.
    """
    try:
        client.delete(repository, reference)
    except RefusedError as error:
        if error.status == requests.codes.not_found:
            raise GoneError(str(error)) from error
        raise


class Soaker:
    """One client in a thread of its own; it alone deletes in its repositories.

    What fails while the server was up all the time is a failure; anything else is done again,
    from its beginning, until it is acknowledged. So is what took longer than the lease, after which
    nothing was promised any more: the tests say how often that was.

    Attributes:
        held: (repository, tag) to the digest of a manifest, all acknowledged.
        done: how often what was done.
        slowest: seconds of the longest push that was acknowledged.
    """

    def __init__(
        self,
        name: str,
        driver: Driver,
        repositories: Sequence[str],
        *,
        seed: int,
        weather: Weather,
        lease_seconds: float,
    ) -> None:
        self.name = name
        self.held: dict[tuple[str, str], str] = {}
        self.done: Counter[str] = Counter()
        self.failures: list[str] = []
        self.slowest = 0.0
        self._images: dict[str, Image] = {}
        self._left: defaultdict[str, list[tuple[float, Image]]] = defaultdict(list)
        self.driver = driver
        self._repositories = repositories
        self._chance = random.Random(seed)
        self._weather = weather
        self._lease_seconds = lease_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Have it end after what it is doing."""
        self._stopping.set()

    def join(self) -> None:
        """Wait for its end."""
        self._thread.join(2 * _PATIENCE_SECONDS)
        assert not self._thread.is_alive(), f"{self.name} does not come to an end"

    # -- what it does ------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._turn()
        except Exception as error:
            self.failures.append(f"{self.name}: {type(error).__name__}: {error}")
            self._weather.trouble.set()

    def _turn(self) -> None:
        repository = self._chance.choice(self._repositories)
        tags = sorted(tag for each, tag in self.held if each == repository)
        deeds: list[Callable[[str, list[str]], None]] = [self._push] * 4
        if tags:
            deeds += [self._pull] * 3 + [self._retag, self._delete_tag, self._delete_manifest]
        if len(tags) >= _MOST_TAGS:
            deeds = [self._delete_tag, self._delete_manifest]
        self._chance.choice(deeds)(repository, tags)

    def _push(self, repository: str, _: list[str]) -> None:
        image = self._chance.choice(self._running_out(repository) or self.driver.images)
        tag = f"t{self._chance.randrange(2 * _MOST_TAGS)}"
        began = time.monotonic()
        digest = self._until_done("pushes", lambda: self.driver.push(image, repository, tag))
        self.held[repository, tag] = str(digest)
        self._images[str(digest)] = image
        self.slowest = max(self.slowest, time.monotonic() - began)

    def _pull(self, repository: str, tags: list[str]) -> None:
        tag = self._chance.choice(tags)
        self._until_done("pulls", lambda: self.driver.pull(repository, tag))

    def _retag(self, repository: str, tags: list[str]) -> None:
        tag, new = self._chance.choice(tags), f"t{self._chance.randrange(2 * _MOST_TAGS)}"
        digest = self._until_done("retags", lambda: self.driver.retag(repository, tag, new))
        self.held[repository, new] = str(digest)

    def _delete_tag(self, repository: str, tags: list[str]) -> None:
        tag = self._chance.choice(tags)
        self._until_done("tags deleted", lambda: self.driver.delete(repository, tag))
        self._forget(repository, tag)

    def _delete_manifest(self, repository: str, tags: list[str]) -> None:
        digest = self.held[repository, self._chance.choice(tags)]
        self._until_done("manifests deleted", lambda: self.driver.delete(repository, digest))
        for key in [key for key, named in self.held.items() if key[0] == repository and named == digest]:
            self._forget(*key)

    def _forget(self, repository: str, tag: str) -> None:
        image = self._images.get(self.held.pop((repository, tag)))
        if image is not None:
            self._left[repository].append((time.monotonic(), image))

    def _running_out(self, repository: str) -> list[Image]:
        """What was deleted here so long ago that its leases end while it is pushed again."""
        now = time.monotonic()
        left = [each for each in self._left[repository] if now - each[0] < self._lease_seconds]
        self._left[repository] = left
        return [image for at, image in left if now - at > 0.7 * self._lease_seconds]

    def _until_done(self, name: str, deed: Callable[[], T]) -> T | None:
        """Do it until it is acknowledged; gives None for what a lost acknowledgement was about."""
        again = False
        while True:
            since, began = self._weather.look(), time.monotonic()
            try:
                result = deed()
            except _TROUBLE as error:
                if isinstance(error, GoneError) and again:
                    self.done[name] += 1
                    return None
                if self._weather.was_fair(since) and time.monotonic() - began < self._lease_seconds:
                    raise AssertionError(f"{name}: {error}") from error
                self.done["done again"] += 1
                again = True
            else:
                self.done[name] += 1
                return result
