"""The rows of the table, in the order in which they are measured."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

from tests.bench.collection import Collections, collection_rows
from tests.bench.dataset import BLOBS, IMAGE, OCI_MANIFEST, TAGS, Dataset
from tests.bench.garbage import Garbage
from tests.bench.many_tags import ManyTagsRow
from tests.bench.proofs import prove_bytes, prove_digest, walk
from tests.bench.rows import KIB, MIB, BigPushRow, MemoryRow, ReadRow, Row, SmallPushRow, WalkRow
from tests.bench.target import CATALOG_SCOPE, Target, pull

_PAGE = 100
_CONNECTIONS = 8
_ACCEPT = f"{OCI_MANIFEST}, application/vnd.oci.image.index.v1+json"
_CATALOG = "/v2/_catalog"


def all_rows(
    dataset: Dataset, folder: Path, stack: ExitStack, settings: Mapping[str, str] | None = None
) -> list[Row]:
    """Every row over one data set; memory after all that leave their traces in these two servers.

    The rows about garbage have stores and servers of their own.

    Args:
        folder: for what rows write themselves.
        stack: ends what they start.
        settings: further variables for a server of ours that they start.
    """
    collections = Collections(folder / "garbage", Garbage(*dataset.sizes.garbage), settings or {})
    return [
        *_manifests(dataset),
        _blob(dataset, "blob_1k", KIB, 16, "requests"),
        _blob(dataset, "blob_5m", 5 * MIB, 8, "bytes"),
        _blob(dataset, "blob_1g", dataset.sizes.huge, 2, "bytes"),
        BigPushRow("push_512m", dataset, "streamed"),
        BigPushRow("push_512m_whole", dataset, "whole"),
        SmallPushRow("push_1k_t8"),
        *_tags(dataset),
        *_catalog(dataset),
        MemoryRow(dataset),
        *collection_rows(collections),
        ManyTagsRow(folder / "large", stack, dataset.sizes.large, settings or {}),
    ]


def _manifests(dataset: Dataset) -> list[Row]:
    def by_tag() -> str:
        return f"/v2/{IMAGE}/manifests/latest"

    def by_digest() -> str:
        return f"/v2/{IMAGE}/manifests/{dataset.manifest_digest}"

    def fill(target: Target) -> str:
        dataset.fill_image(target)
        with target.connect(pull(IMAGE)) as connection:
            for path in (by_tag(), by_digest()):
                prove_bytes(connection, path, {"Accept": _ACCEPT}, dataset.manifest_body)
        return ""

    return [
        ReadRow(f"manifest_by_{what}_c{connections}", path, [pull(IMAGE)], fill, connections, accept=_ACCEPT)
        for what, path in (("tag", by_tag), ("digest", by_digest))
        for connections in (16, 64)
    ]


def _blob(
    dataset: Dataset, name: str, size: int, connections: int, figure: Literal["requests", "bytes"]
) -> Row:
    def path() -> str:
        return f"/v2/{BLOBS}/blobs/{dataset.blob(size).digest}"

    def fill(target: Target) -> str:
        dataset.fill_blob(target, size)
        with target.connect(pull(BLOBS)) as connection:
            prove_digest(connection, path(), dataset.blob(size).digest, size)
        return ""

    return ReadRow(name, path, [pull(BLOBS)], fill, connections, figure)


def _tags(dataset: Dataset) -> list[Row]:
    path, scopes, fill = f"/v2/{TAGS}/tags/list", [pull(TAGS)], dataset.fill_tags
    return [
        _page("tags_10k", f"{path}?n={_PAGE}", "tags", scopes, fill),
        WalkRow("tags_10k_whole", path, "tags", dataset.sizes.tags, scopes, fill),
    ]


def _catalog(dataset: Dataset) -> list[Row]:
    scopes, fill, count = [CATALOG_SCOPE], dataset.fill_catalog, dataset.sizes.repositories
    return [
        _page("catalog_10k", f"{_CATALOG}?n={_PAGE}", "repositories", scopes, fill),
        WalkRow("catalog_10k_whole", f"{_CATALOG}?n=1000", "repositories", count, scopes, fill),
    ]


def _page(name: str, path: str, key: str, scopes: Sequence[str], fill: Callable[[Target], None]) -> Row:
    """wrk on the first page of a list."""

    def fill_and_prove(target: Target) -> str:
        fill(target)
        with target.connect(*scopes) as connection:
            names = len(json.loads(next(walk(connection, path)))[key])
        return "" if names == _PAGE else f"{target.name} answers {names} names to n={_PAGE}"

    return ReadRow(name, lambda: path, scopes, fill_and_prove, _CONNECTIONS)
