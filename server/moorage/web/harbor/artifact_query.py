"""What lists of artifacts can be asked for by ``q`` and ``sort``."""

import falcon

from moorage.db.fields import to_microseconds
from moorage.distribution.artifact_filter import ArtifactFilter, Span, Texts
from moorage.web.harbor import query
from moorage.web.harbor.query import Condition, Match

SORTS = {name: name for name in ("id", "digest", "push_time", "pull_time", "size", "type", "repository_name")}
_TEXT = frozenset({Match.EXACT, Match.PART, Match.ANY})
_TEXTS = ("digest", "media_type", "manifest_media_type", "artifact_type", "repository_name")
_MOMENTS = ("push_time", "pull_time")
_CONDITIONS: query.Allowed = {
    "tags": _TEXT,
    "labels": frozenset({Match.EXACT, Match.ANY, Match.ALL}),
    "type": query.ANY,
    "size": query.RANGE,
    **dict.fromkeys(_TEXTS, _TEXT),
    **dict.fromkeys(_MOMENTS, query.RANGE),
}
#: Values of `tags` that ask for artifacts that have one, or none.
_TAGGED = {"*": True, "nil": False}
_MOST_VALUES = 100


def artifact_filter(req: falcon.Request, *, latest: bool = False) -> ArtifactFilter:
    """The conditions of the request's ``q``.

    Raises:
        QueryInvalidError: the text is malformed, or asks what no list of artifacts knows.
    """
    asked = query.conditions(req, _CONDITIONS)
    for each in asked.values():
        if len(each.values) > _MOST_VALUES:
            raise query.QueryInvalidError(f"q: {each.key!r} names more than {_MOST_VALUES} values")
    tags, labels, kinds = asked.get("tags"), asked.get("labels"), asked.get("type")
    tagged = None
    if tags is not None and tags.match is Match.EXACT and tags.value in _TAGGED:
        tagged, tags = _TAGGED[tags.value], None
    numbers = () if labels is None else labels.numbers()
    any_label = labels is not None and labels.match is Match.ANY
    return ArtifactFilter(
        tagged=tagged,
        tags=Texts() if tags is None else _texts(tags),
        texts={name: _texts(asked[name]) for name in _TEXTS if name in asked},
        spans={name: _span(asked[name]) for name in ("size", *_MOMENTS) if name in asked},
        kinds=() if kinds is None else tuple(each.upper() for each in kinds.values),
        labels=() if any_label else numbers,
        any_labels=numbers if any_label else (),
        latest=latest,
    )


def _texts(asked: Condition) -> Texts:
    if asked.match is Match.PART:
        return Texts(part=asked.value)
    return Texts(values=asked.values)


def _span(asked: Condition) -> Span:
    if asked.key in _MOMENTS:
        return Span(*(None if each is None else to_microseconds(each) for each in asked.moments()))
    low, high = (query.whole_number(each, f"q: {asked.key!r}") if each else None for each in asked.values)
    return Span(low, high)
