"""What a client was promised, step by step, and what a registry really holds."""

from collections.abc import Callable
from dataclasses import dataclass, field

import requests

from tests.support.registry import RefusedError, RegistryClient

Tag = tuple[str, str]
Content = tuple[str, str]


@dataclass(frozen=True)
class Holding:
    """Blobs and manifests as (repository, digest), tags as (repository, tag) -> digest."""

    blobs: frozenset[Content] = frozenset()
    manifests: frozenset[Content] = frozenset()
    tags: frozenset[tuple[Tag, str]] = frozenset()


@dataclass(frozen=True)
class Step:
    """One operation: how it is done, and what is there once it was acknowledged."""

    name: str
    do: Callable[[], object]
    after: Callable[[Holding], Holding]


@dataclass
class Ledger:
    """Runs steps until one is cut off, and remembers what may be there then."""

    acknowledged: Holding = field(default_factory=Holding)
    cut: Step | None = None

    def run(self, steps: list[Step]) -> None:
        """Do the steps in order; the first one that gets no answer ends it."""
        for step in steps:
            try:
                step.do()
            except requests.ConnectionError:
                self.cut = step
                return
            self.acknowledged = step.after(self.acknowledged)

    def possible(self) -> list[Holding]:
        """What was acknowledged, and that with the step that was cut off, whole."""
        if self.cut is None:
            return [self.acknowledged]
        return [self.acknowledged, self.cut.after(self.acknowledged)]


def observe(client: RegistryClient, wanted: list[Holding]) -> Holding:
    """What of all that might be there really is; every byte of it is pulled and verified."""
    blobs = {each for holding in wanted for each in holding.blobs}
    manifests = {each for holding in wanted for each in holding.manifests}
    tags = {tag for holding in wanted for tag, _ in holding.tags}
    named = {tag: _pulled(client, *tag) for tag in tags}
    return Holding(
        frozenset(each for each in blobs if _has_blob(client, *each)),
        frozenset(each for each in manifests if _pulled(client, *each)),
        frozenset((tag, digest) for tag, digest in named.items() if digest is not None),
    )


def _has_blob(client: RegistryClient, repository: str, digest: str) -> bool:
    try:
        client.pull_blob(repository, digest)
    except RefusedError as error:
        assert error.status == requests.codes.not_found, error
        return False
    return True


def _pulled(client: RegistryClient, repository: str, reference: str) -> str | None:
    """The digest of a manifest that could be pulled with everything below it."""
    try:
        return client.pull(repository, reference)
    except RefusedError as error:
        # Half a manifest would answer 404 for a blob of it: that is not "unknown", that is broken.
        assert error.status == requests.codes.not_found, error
        assert "/manifests/" in str(error.answer.request.url), f"{reference} lost a blob: {error}"
        return None
