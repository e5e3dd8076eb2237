"""Reading files out of archives that anybody may have made: an answer or a clear refusal, always."""

import gzip
import io
import random
import tarfile
import tracemalloc

import pytest

from moorage.distribution import reading
from moorage.distribution.errors import ContentUnreadableError
from moorage.distribution.reading import Reading
from moorage.oci.descriptor import Descriptor
from moorage.oci.digest import digest_of
from tests.support.images import tar_of

TAR = "application/vnd.oci.image.layer.v1.tar"


class Shelf:
    """A storage of one blob."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def open(self, digest: object) -> io.BytesIO:
        return io.BytesIO(self.data)


def found(data: bytes, name: str, *, gzipped: bool = False) -> bytes | None:
    described = Descriptor(TAR, digest_of(data), len(data))
    return Reading(Shelf(data)).file(described, lambda entry: entry == name, gzipped=gzipped)  # type: ignore[arg-type]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_file_is_found_in_every_form_of_tar(form: int) -> None:
    buffer = io.BytesIO()
    long = "/".join(["deep" * 10] * 3)
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name, data in ((long + "/first", b"x" * 700), ("app/README.md", b"hi"), ("app/last", b"")):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime = len(data), 1_700_000_000.5 if form == tarfile.PAX_FORMAT else 1
            archive.addfile(entry, io.BytesIO(data))
    assert found(buffer.getvalue(), "app/README.md") == b"hi"
    assert found(gzip.compress(buffer.getvalue()), "app/README.md", gzipped=True) == b"hi"
    assert found(buffer.getvalue(), "app/last") == b""
    assert found(buffer.getvalue(), "app/none") is None
    if form == tarfile.USTAR_FORMAT:
        assert found(buffer.getvalue(), long + "/first") == b"x" * 700


def test_whatever_is_in_an_archive_the_answer_is_its_bytes_or_a_refusal() -> None:
    chance = random.Random(7)
    whole = tar_of({"app/first": b"x" * 600, "app/README.md": b"hi"})
    answers = set()
    for number in range(3000):
        data = bytearray(whole if number % 2 else gzip.compress(whole))
        for _ in range(chance.randrange(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            answers.add(type(found(bytes(data[: chance.randrange(1, len(data) + 1)]), "app/README.md")))
            answers.add(type(found(bytes(data), "app/README.md", gzipped=not number % 2)))
        except ContentUnreadableError:
            answers.add(ContentUnreadableError)
    assert {bytes, ContentUnreadableError} <= answers <= {bytes, type(None), ContentUnreadableError}


def test_an_archive_that_unpacks_to_very_much_takes_little_memory() -> None:
    plain = tar_of({"app/first": b""})
    header = bytearray(plain[:512])
    header[124:136] = b"%011o\0" % (reading.MAX_ARCHIVE_BYTES - 2048)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    bomb = gzip.compress(bytes(header) + bytes(reading.MAX_ARCHIVE_BYTES * 2))
    tracemalloc.start()
    try:
        assert found(bomb, "app/README.md", gzipped=True) is None
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "packed",
    [b"\x1f\x8b\x08\x08" + b"\0" * 6 + b"n" * 3_000_000, gzip.compress(b"") * 150_000],
    ids=["endless name", "empty parts"],
)
def test_what_unpacks_to_nothing_is_bounded(packed: bytes) -> None:
    with pytest.raises(ContentUnreadableError, match="too long"):
        found(packed, "app/README.md", gzipped=True)
