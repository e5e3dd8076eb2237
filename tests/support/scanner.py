"""A scanner on loopback, which says of itself what the test tells it to."""

import json
from typing import Any

from tests.support.receiver import Got, Receiver, Says

PATH = "/api/v1/metadata"
IMAGE = "application/vnd.oci.image.manifest.v1+json"
REPORT = "application/vnd.security.vulnerability.report; version=1.1"


def metadata(**changes: Any) -> dict[str, Any]:
    """What a good scanner says; a change to None leaves a field out."""
    usual = {
        "scanner": {"name": "Lookout", "vendor": "Harbour Works", "version": "1.2.3"},
        "capabilities": [
            {"type": "vulnerability", "consumes_mime_types": [IMAGE], "produces_mime_types": [REPORT]}
        ],
        "properties": {"harbor.scanner-adapter/registry-authorization-type": "Basic"},
    }
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}


def scanner(document: object = None, *, below_any_path: bool = False) -> Receiver:
    """Answers as the API of scanners does, maybe below any path, and 404 everywhere else."""
    content = document if isinstance(document, bytes) else json.dumps(document or metadata()).encode()

    def answer(got: Got) -> Says:
        there = got.path.endswith(PATH) if below_any_path else got.path == PATH
        if got.method != "GET" or not there:
            return Says(404)
        kind = "application/vnd.scanner.adapter.metadata+json; version=1.1"
        return Says(200, {"Content-Type": kind}, content)

    return Receiver(answer)
