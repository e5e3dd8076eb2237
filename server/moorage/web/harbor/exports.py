"""The log as a file: `/auditlog-exts/export` and the same below a project.

It goes out while it is read, a page at a time, so it needs the same memory for a thousand entries and for
five million. Whoever goes away ends it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from threading import BoundedSemaphore
from typing import ClassVar

import falcon

from moorage.audit.lines import FORMS, Form
from moorage.audit.model import Entry, Query
from moorage.errors import Invalid, Unavailable
from moorage.projects.rules import LIST_LOGS
from moorage.services import Services
from moorage.web.access import Access, Caller
from moorage.web.harbor.audit import readable, wanted

#: Each holds a thread of the process for as long as its client takes to read.
_AT_ONCE = 2


class FormUnknownError(Invalid):
    """The log cannot be exported in that form."""


class ExportsBusyError(Unavailable):
    """As many exports are under way as this process allows."""


class Exports:
    """Starts exports, a bounded number at a time."""

    def __init__(self, services: Services, at_once: int = _AT_ONCE) -> None:
        self._services = services
        self._places = BoundedSemaphore(at_once)

    def send(self, resp: falcon.Response, form: Form, asked: Query) -> None:
        """Answer with all entries that are asked for.

        Raises:
            ExportsBusyError: too many exports are under way.
        """
        if not self._places.acquire(blocking=False):
            raise ExportsBusyError("other exports of the log are under way; try again later")
        export = Export(form, self._services.audit.walk(asked), self._places)
        resp.content_type = form.media_type
        resp.set_header("Content-Disposition", f'attachment; filename="audit-log.{form.name}"')
        resp.stream = export


class Export:
    """The bytes of one export; `close` ends it early."""

    def __init__(self, form: Form, pages: Iterator[tuple[Entry, ...]], places: BoundedSemaphore) -> None:
        self._form = form
        self._pages = pages
        self._places: BoundedSemaphore | None = places
        self._begun = False

    def __iter__(self) -> "Export":
        return self

    def __next__(self) -> bytes:
        if not self._begun:
            self._begun = True
            if self._form.head:
                return self._form.head
        for entries in self._pages:
            if entries:  # a page of a rare thing may be empty, and a later one not
                return self._form.lines(entries)
        self.close()
        raise StopIteration

    def close(self) -> None:
        """Give the place back; a second call changes nothing."""
        places, self._places, self._pages = self._places, None, iter(())
        if places is not None:
            places.release()


class AuditLogsExportResource:
    """The log of everything that the caller may read, as a file."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("signed_in", None, "export_audit_log")}

    def __init__(self, services: Services, exports: Exports) -> None:
        self._services = services
        self._exports = exports

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """All of it that is asked for, newest first."""
        caller: Caller = req.context.caller
        asked = readable(self._services, caller.principal, wanted(req))
        self._exports.send(resp, _form(req), asked)


class ProjectLogsExportResource:
    """The log of one project, as a file."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("project", LIST_LOGS, "export_project_log")}

    def __init__(self, services: Services, exports: Exports) -> None:
        self._services = services
        self._exports = exports

    def on_get(self, req: falcon.Request, resp: falcon.Response, *, project_name: str) -> None:
        """All of it that is asked for, newest first."""
        caller: Caller = req.context.caller
        asked = replace(wanted(req), project_id=caller.project_id)
        self._exports.send(resp, _form(req), asked)


def _form(req: falcon.Request) -> Form:
    name = req.get_param("format") or "jsonl"
    if name not in FORMS:
        raise FormUnknownError(f"'format' is one of {', '.join(sorted(FORMS))}")
    return FORMS[name]
