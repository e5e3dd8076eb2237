"""Queries for policies, and for what they look at."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from moorage.db.connection import Statement
from moorage.db.fields import from_microseconds, to_microseconds
from moorage.distribution.chunks import chunks
from moorage.distribution.tables import ManifestChildRow, ManifestRow, RepositoryRow, TagRow
from moorage.oci.digest import Digest
from moorage.oci.names import RepositoryName
from moorage.retention.document import rules_document, rules_of
from moorage.retention.model import Attachment, Candidate, Link, Policy, Rule, SeenTag
from moorage.retention.tables import RetentionPolicyRow

#: What belongs to one artifact and goes in one transaction with it; nobody else writes meanwhile.
MOST_ATTACHED = 1000
_PAGE = 1000
#: Tags that clients make for what belongs to a manifest when a registry does not keep lists of it.
_SUFFIXES = ("", ".sig", ".att", ".sbom")
_HEX_IN_TAG = 64
#: Name, time of the last push, time of the last pull.
_Tag = tuple[str, datetime, datetime | None]
_made_for_signatures = re.compile(r"sha(?:256|512)-[0-9a-f]{64}(?:\.(?:sig|att|sbom))?").fullmatch


class RetentionStore:
    """Reads and writes policies; reads artifacts in pages, never one by one."""

    _manifests = Statement(
        "SELECT m.id, m.digest, m.media_type, m.artifact_type, m.subject, m.pushed_at, m.pulled_at, "
        "EXISTS (SELECT 1 FROM manifest_child c WHERE c.child_id = m.id) "
        "FROM manifest m WHERE m.repository_id = ? AND m.digest > ? ORDER BY m.digest LIMIT ?"
    )
    _project_name = Statement("SELECT name FROM project WHERE id = ?")
    _tags = Statement("SELECT manifest_id, name, pushed_at, pulled_at FROM tag WHERE repository_id = ?")
    _held = Statement(
        "SELECT h.digest FROM manifest_hold h JOIN repository r ON r.id = h.repository_id "
        "WHERE r.name = ? AND r.project_id = ? AND h.held_until > ?"
    )
    _repositories = Statement(
        "SELECT name FROM repository WHERE project_id = ? AND name > ? ORDER BY name LIMIT ?"
    )

    def policy(self, policy_id: int) -> Policy | None:
        row = RetentionPolicyRow.select().where(RetentionPolicyRow.id == policy_id).first()
        return None if row is None else _policy(row)

    def policy_of(self, project_id: int) -> Policy | None:
        row = RetentionPolicyRow.select().where(RetentionPolicyRow.project == project_id).first()
        return None if row is None else _policy(row)

    def ids_among(self, project_ids: Sequence[int]) -> dict[int, int]:
        """The policy's id for each of the projects that has one."""
        rows: Any = RetentionPolicyRow.select(RetentionPolicyRow.project, RetentionPolicyRow.id).where(
            RetentionPolicyRow.project << list(project_ids)
        )
        return dict(rows.tuples())

    def all(self) -> list[Policy]:
        return [_policy(row) for row in RetentionPolicyRow.select().order_by(RetentionPolicyRow.id)]

    def insert(self, project_id: int, rules: Sequence[Rule], now: datetime) -> int:
        """Make a policy.

        Raises:
            IntegrityError: the project has one, or is gone.
        """
        number: int = RetentionPolicyRow.insert(
            project=project_id, rules=json.dumps(rules_document(rules)), created_at=now, updated_at=now
        ).execute()
        return number

    def update(self, policy_id: int, rules: Sequence[Rule], now: datetime) -> None:
        RetentionPolicyRow.update(rules=json.dumps(rules_document(rules)), updated_at=now).where(
            RetentionPolicyRow.id == policy_id
        ).execute()

    def delete(self, policy_id: int) -> None:
        RetentionPolicyRow.delete().where(RetentionPolicyRow.id == policy_id).execute()

    def repositories(self, project_id: int, after: str = "") -> Iterator[RepositoryName]:
        """The repositories of a project by their names, page by page.

        When the project is renamed meanwhile, those that are left come under their new names.
        """
        while True:
            after = self._as_named_now(project_id, after)
            rows = self._repositories.all(project_id, after, _PAGE)
            for (name,) in rows:
                yield RepositoryName(self._as_named_now(project_id, name))
            if len(rows) < _PAGE:
                return
            after = rows[-1][0]

    def _as_named_now(self, project_id: int, repository: str) -> str:
        """Repositories of one project keep their order, whatever it is called."""
        row = self._project_name.one(project_id)
        return f"{row[0]}/{repository.partition('/')[2]}" if row is not None and repository else repository

    def candidates(self, project_id: int, repository: RepositoryName) -> Iterator[Candidate]:
        """What the repository holds for its own sake; nothing if there is none.

        All tags come from one statement, so that one that moves meanwhile counts once.
        """
        repository_id = self._repository_id(project_id, repository)
        if repository_id is None:
            return
        tags: dict[int, list[_Tag]] = defaultdict(list)
        for manifest_id, name, pushed, pulled in self._tags.all(repository_id):
            pulled_at = None if pulled is None else from_microseconds(pulled)
            tags[manifest_id].append((name, from_microseconds(pushed), pulled_at))
        last = ""
        while True:
            rows = self._manifests.all(repository_id, last, _PAGE)
            for row in rows:
                candidate = _candidate(row, tags.get(row[0], ()))
                if candidate is not None:
                    yield candidate
            if len(rows) < _PAGE:
                return
            last = rows[-1][1]

    def held(self, project_id: int, repository: RepositoryName, now: datetime) -> frozenset[Digest]:
        """The manifests of the repository that running jobs read."""
        rows = self._held.all(repository, project_id, to_microseconds(now))
        return frozenset(Digest.parse(digest) for (digest,) in rows)

    def attachments(
        self, project_id: int, repository: RepositoryName, manifest_id: int, digest: Digest
    ) -> list[Attachment]:
        """What goes with a manifest: whatever an artifact needs comes behind what needs it.

        Children that have tags of their own are left out, and whatever there is beyond the most that
        one transaction takes: the collector finds that.
        """
        repository_id = self._repository_id(project_id, repository)
        found: dict[int, Attachment] = {}
        level = {manifest_id: str(digest)} if repository_id is not None else {}
        while level and len(found) < MOST_ATTACHED:
            fresh = _merged(
                each
                for chunk in chunks(level.items())
                for each in _attached(repository_id, dict(chunk))
                if each.manifest_id not in (manifest_id, *found)
            )
            found.update(fresh)
            level = {each.manifest_id: str(each.digest) for each in fresh.values()}
        return list(found.values())[:MOST_ATTACHED]

    def _repository_id(self, project_id: int, repository: RepositoryName) -> int | None:
        row = (
            RepositoryRow.select(RepositoryRow.id)
            .where(RepositoryRow.name == repository, RepositoryRow.project == project_id)
            .tuples()
            .first()
        )
        return None if row is None else row[0]


def _policy(row: Any) -> Policy:
    return Policy(row.id, row.project_id, rules_of(json.loads(row.rules)), row.created_at, row.updated_at)


def _candidate(row: tuple[Any, ...], tags: Sequence[_Tag]) -> Candidate | None:
    manifest_id, digest, media_type, artifact_type, subject, pushed, pulled, listed = row
    own = [each for each in tags if _made_for_signatures(each[0]) is None]
    if subject is not None or (not own and (listed or tags)):
        return None
    created_at = from_microseconds(pushed)
    pulls = [] if pulled is None else [from_microseconds(pulled)]
    pulls += [at for _, _, at in own if at is not None]
    return Candidate(
        manifest_id=manifest_id,
        digest=Digest.parse(digest),
        kind=artifact_type or media_type,
        tags=tuple(SeenTag(name, at) for name, at, _ in sorted(own)),
        listed=bool(listed),
        created_at=created_at,
        pushed_at=max([created_at, *(at for _, at, _ in own)]),
        pulled_at=max(pulls, default=None),
    )


def _tags_of(manifest_ids: Sequence[int]) -> dict[int, list[_Tag]]:
    """The tags of each manifest in order; a manifest without any is left out."""
    found: dict[int, list[_Tag]] = defaultdict(list)
    columns = (TagRow.manifest, TagRow.name, TagRow.pushed_at, TagRow.pulled_at)
    for chunk in chunks(manifest_ids):
        rows: Any = TagRow.select(*columns).where(TagRow.manifest << chunk).order_by(TagRow.name)
        for manifest_id, *tag in rows.tuples():
            found[manifest_id].append((tag[0], tag[1], tag[2]))
    return found


def _merged(attachments: Iterable[Attachment]) -> dict[int, Attachment]:
    """Each manifest once, with every tag that was found for it."""
    found: dict[int, Attachment] = {}
    for each in attachments:
        known = found.get(each.manifest_id, each)
        found[each.manifest_id] = replace(known, tags=tuple(dict.fromkeys((*known.tags, *each.tags))))
    return found


def _attached(repository_id: int | None, manifests: Mapping[int, str]) -> Iterator[Attachment]:
    """What belongs to manifests, whose digests are given; signatures first: one may list all referrers."""
    yield from _signatures(repository_id, manifests.values())
    yield from _referrers(repository_id, manifests.values())
    yield from _children(manifests)


def _children(parents: Iterable[int]) -> Iterator[Attachment]:
    rows: Any = (
        ManifestChildRow.select(ManifestRow.id, ManifestRow.digest)
        .join(ManifestRow, on=(ManifestRow.id == ManifestChildRow.child))
        .where(ManifestChildRow.parent << list(parents))
        .distinct()
    )
    found = list(rows.tuples())
    tagged = _tags_of([number for number, _ in found])
    for number, digest in found:
        if number not in tagged:
            yield Attachment(number, Digest.parse(digest), Link.CHILD)


def _referrers(repository_id: int | None, subjects: Iterable[str]) -> Iterator[Attachment]:
    rows: Any = ManifestRow.select(ManifestRow.id, ManifestRow.digest).where(
        ManifestRow.repository == repository_id, ManifestRow.subject << list(subjects)
    )
    found = list(rows.tuples())
    tags = _tags_of([number for number, _ in found])
    for number, digest in found:
        seen = tuple(SeenTag(name, at) for name, at, _ in tags.get(number, ()))
        yield Attachment(number, Digest.parse(digest), Link.REFERRER, seen)


def _signatures(repository_id: int | None, subjects: Iterable[str]) -> Iterator[Attachment]:
    names = [
        f"{algorithm}-{hex_digits[:_HEX_IN_TAG]}{suffix}"
        for algorithm, _, hex_digits in (subject.partition(":") for subject in subjects)
        for suffix in _SUFFIXES
    ]
    rows: Any = (
        TagRow.select(ManifestRow.id, ManifestRow.digest, TagRow.name, TagRow.pushed_at)
        .join(ManifestRow)
        .where(TagRow.repository == repository_id, TagRow.name << names)
    )
    for number, digest, name, pushed in rows.tuples():
        yield Attachment(number, Digest.parse(digest), Link.SIGNATURE, (SeenTag(name, pushed),))
