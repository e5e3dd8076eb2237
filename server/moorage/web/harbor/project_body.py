"""What a body about a project sets: public or not, metadata, allowlist."""

from collections.abc import Mapping
from datetime import UTC, datetime

from moorage.projects import metadata
from moorage.projects.allowlist import MAX_ITEMS
from moorage.projects.errors import MetadataInvalidError
from moorage.projects.model import AllowlistDraft, AllowlistEntry, ProjectDraft
from moorage.web.harbor.body import Body, BodyInvalidError

ALLOWLIST_FIELDS = frozenset({"expires_at", "items"})
#: Clients send back what they got.
ALLOWLIST_ECHOES = frozenset({"id", "project_id", "creation_time", "update_time"})
_ITEM_FIELDS = frozenset({"cve_id", "reason"})
_ITEM_ECHOES = frozenset({"author", "creation_time"})
_LAST_SECOND = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())


def draft(asked: Body, retention_id: int | None = None) -> ProjectDraft:
    """What the body of a project says.

    Args:
        retention_id: of the project's policy, which clients send back because they got it.

    Raises:
        BodyInvalidError: it is none, or asks for a proxy project.
        MetadataInvalidError: `public` or `retention_id` has a value that it cannot have.
    """
    if asked.number("registry_id", 0):
        raise BodyInvalidError("registry_id: this server has no proxy projects")
    part = asked.part("metadata", known=metadata.NAMES)
    public, values = settings({} if part is None else part.texts(), retention_id)
    if "public" in asked:  # how older clients say it
        flag = asked.flag("public")
        public = flag if public is None else public
    listed = asked.part("cve_allowlist", known=ALLOWLIST_FIELDS, overlooked=ALLOWLIST_ECHOES)
    return ProjectDraft(public, values, None if listed is None else allowlist(listed))


def settings(texts: Mapping[str, str], retention_id: int | None = None) -> tuple[bool | None, dict[str, str]]:
    """What metadata says of `public`, and the rest of it.

    Raises:
        MetadataInvalidError: `public` is neither true nor false, or `retention_id` another one.
    """
    values = dict(texts)
    number = values.pop(metadata.RETENTION, None)
    if number not in (None, "", "0" if retention_id is None else str(retention_id)):
        raise MetadataInvalidError("metadata.retention_id follows from the retention policy")
    public = values.pop(metadata.PUBLIC, None)
    return None if public is None else metadata.public_flag(public), values


def allowlist(asked: Body) -> AllowlistDraft:
    """What a body says a list is to be.

    Raises:
        BodyInvalidError: it is no list, or ends at a moment that there is not.
    """
    seconds = asked.number("expires_at", -1)
    if not -1 <= seconds <= _LAST_SECOND:
        raise BodyInvalidError("expires_at is in seconds since 1970; leave it out, or send -1, for no end")
    items = asked.parts("items", known=_ITEM_FIELDS, overlooked=_ITEM_ECHOES, most=MAX_ITEMS)
    return AllowlistDraft(
        None if seconds == -1 else datetime.fromtimestamp(seconds, UTC),
        tuple(AllowlistEntry(item.text("cve_id"), item.text("reason", "")) for item in items),
    )
