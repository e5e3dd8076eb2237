import pytest

from moorage.distribution import errors
from moorage.errors import MoorageError
from moorage.oci.digest import digest_of
from moorage.oci.names import RepositoryName

DIGEST = digest_of(b"")

# The codes of the distribution-spec 1.1.1, "Error codes", `UNAVAILABLE` for a full disk, `CONFLICT` for
# callers inside that say what they looked at, and those of labels, lists and what is read out of
# artifacts: no request of the spec meets these.
CODES = {
    "BAD_REQUEST",
    "BLOB_UNKNOWN",
    "BLOB_UPLOAD_INVALID",
    "BLOB_UPLOAD_UNKNOWN",
    "CONFLICT",
    "DIGEST_INVALID",
    "MANIFEST_BLOB_UNKNOWN",
    "MANIFEST_UNKNOWN",
    "NAME_UNKNOWN",
    "NOT_FOUND",
    "SIZE_INVALID",
    "TOOMANYREQUESTS",
    "UNSUPPORTED",
    "UNAVAILABLE",
}


def classes():
    return [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, MoorageError) and kind.__module__ == errors.__name__
    ]


def test_every_error_has_a_code_that_clients_know():
    assert {kind.code for kind in classes()} == CODES


@pytest.mark.parametrize("kind", classes())
def test_every_error_can_be_told_with_and_without_words(kind):
    assert kind().message
    assert kind("why").message == "why"


def test_errors_name_what_is_missing():
    name = RepositoryName("library/app")
    assert errors.NameUnknownError.of(name).detail == {"name": "library/app"}
    assert errors.BlobUnknownError.of(DIGEST).detail == {"digest": str(DIGEST)}
    assert errors.ManifestUnknownError.of(DIGEST).detail == {"reference": str(DIGEST)}
    assert errors.ManifestBlobUnknownError.of([DIGEST]).detail == {"digests": [str(DIGEST)]}


def test_a_chunk_out_of_place_is_told_the_place():
    error = errors.UploadRangeError.at(42)
    assert (error.offset, error.detail) == (42, {"received": 42})
