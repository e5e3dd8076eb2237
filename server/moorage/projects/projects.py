"""Projects: the namespaces of repositories."""

from collections.abc import Collection

from moorage.clock import Clock
from moorage.configuration.site_settings import SiteSettings
from moorage.db.connection import IntegrityError, atomic
from moorage.events import Actor, Events, ProjectChanged, ProjectCreated, ProjectDeleted
from moorage.identity.errors import UserUnknownError
from moorage.identity.model import Principal, PrincipalKind
from moorage.identity.text import is_storable
from moorage.oci.names import is_component
from moorage.projects.errors import (
    ProjectCreationDeniedError,
    ProjectExistsError,
    ProjectInvalidError,
    ProjectNotEmptyError,
    ProjectUnknownError,
)
from moorage.projects.model import Project, Role
from moorage.projects.name_store import NameStore
from moorage.projects.names import Names
from moorage.projects.quota_store import QuotaStore
from moorage.projects.quotas import NO_LIMIT, checked_limit
from moorage.projects.store import SORTS, ProjectStore

MAX_NAME_LENGTH = 100
#: First parts of paths that the server itself answers at; an address must not mean two things.
RESERVED = frozenset({"api", "healthz", "metrics", "service", "v1", "v2"})
_EVERYONE = "everyone"


class Projects:
    """Creates, finds, publishes and deletes projects."""

    def __init__(
        self,
        store: ProjectStore,
        quotas: QuotaStore,
        events: Events,
        clock: Clock,
        site: SiteSettings,
        names: Names | None = None,
    ) -> None:
        self._store = store
        self._quotas = quotas
        self._events = events
        self._clock = clock
        self._site = site
        self._names = names or Names(NameStore(), events, clock)

    def create(
        self,
        actor: Actor,
        owner: Principal | None,
        name: str,
        *,
        public: bool = False,
        storage_limit_bytes: int | None = None,
    ) -> Project:
        """Make a project; its owner becomes its first project administrator.

        Args:
            actor: whom the log names.
            owner: who asks for it; None when the machine itself does, and then nobody owns it.
            name: one component of a repository name, see `checked_name`.
            public: anyone may pull.
            storage_limit_bytes: how much it may hold, -1 for no limit; None for what the settings say.

        Raises:
            ProjectCreationDeniedError: the owner may not create projects, or not with that limit.
            ProjectInvalidError: the name breaks the rules.
            QuotaInvalidError: no project can have that limit.
            ProjectExistsError: a project has the name, or had it.
            UserUnknownError: the owner's account is gone.
        """
        checked_name(name)
        owner_id = None if owner is None else self._creator(owner)
        limit = self._limit(owner, storage_limit_bytes)
        with atomic():
            project_id = self._insert(name, public, owner_id)
            self._names.check_free(name, project_id)
            if limit != NO_LIMIT:
                self._quotas.set(project_id, limit, self._clock())
            self._events.publish(ProjectCreated(actor, project_id, name))
            return self.get(project_id)

    def get(self, project_id: int) -> Project:
        """The project of that number.

        Raises:
            ProjectUnknownError: there is none.
        """
        project = self._store.project(project_id)
        if project is None:
            raise ProjectUnknownError(f"there is no project {project_id}")
        return project

    def hold(self, project_id: int) -> Project:
        """The same inside a transaction; nobody can delete the project before that ends.

        Raises:
            ProjectUnknownError: there is none.
        """
        project = self._store.hold(project_id)
        if project is None:
            raise ProjectUnknownError(f"there is no project {project_id}")
        return project

    def names(self, project_ids: Collection[int]) -> dict[int, str]:
        """The names of these projects; those that are gone are left out."""
        return self._store.names(project_ids) if project_ids else {}

    def find(self, name: str) -> Project | None:
        """The project of that name, which may be any text."""
        return self._store.project_named(name) if is_storable(name) else None

    def resolve(self, name: str) -> Project | None:
        """The project that is called `name`, or was before it was renamed; any text will do."""
        present = self._names.present(name)
        return None if present is None else self._store.project(present[0])

    def rename(self, actor: Actor, owner: Principal | None, project_id: int, name: str) -> Project:
        """Give the project another name; whoever may take a name for a new project may do so.

        Args:
            actor: whom the log names.
            owner: who asks for it; None when the machine itself does.
            project_id: which project.
            name: see `checked_name`.

        Raises:
            ProjectCreationDeniedError: the account may not create projects, so it may not take names.
            ProjectInvalidError: the name breaks the rules, or is too long for what is in the project.
            ProjectUnknownError, ProjectExistsError, FormerNamesFullError: see `Names.rename`.
        """
        checked_name(name)
        if owner is not None:
            self._creator(owner)
        self._names.rename(actor, project_id, name)
        return self.get(project_id)

    def visible(
        self,
        principal: Principal,
        *,
        name: str = "",
        owner: str = "",
        public: bool | None = None,
        limit: int,
        offset: int,
        sort: str = "name",
    ) -> list[Project]:
        """A page of the projects that the account may know of.

        These are the public ones, those it belongs to, and all for an administrator.

        Args:
            principal: who asks.
            name: only names that contain this text.
            owner: only those of the user of that name; "" for all.
            public: only public (or only private) ones; None for both.
            limit: the most to return.
            offset: how many to leave out.
            sort: a key of `store.SORTS`, with ``-`` in front for downwards.

        Raises:
            ProjectInvalidError: the list cannot be sorted by that.
        """
        if sort.removeprefix("-") not in SORTS:
            raise ProjectInvalidError(f"projects cannot be sorted by {sort[:100]!r}")
        if not (is_storable(name) and is_storable(owner)):
            return []
        return self._store.visible(
            principal, name=name, owner=owner, public=public, sort=sort, limit=limit, offset=offset
        )

    def count_visible(
        self, principal: Principal, *, name: str = "", owner: str = "", public: bool | None = None
    ) -> int:
        """How many projects `visible` has in all its pages."""
        if not (is_storable(name) and is_storable(owner)):
            return 0
        return self._store.count_visible(principal, name=name, owner=owner, public=public)

    def set_public(self, actor: Actor, project_id: int, public: bool) -> Project:
        """Let anyone pull, or stop that; a call that changes nothing is not logged.

        Raises:
            ProjectUnknownError: there is no such project.
        """
        with atomic():
            project = self.get(project_id)
            if project.public == public:
                return project
            self._store.set_public(project_id, public, self._clock())
            what = "public" if public else "private"
            self._events.publish(ProjectChanged(actor, project_id, project.name, what))
            return self.get(project_id)

    def delete(self, actor: Actor, project_id: int) -> None:
        """Delete an empty project, with its members and robots.

        Raises:
            ProjectUnknownError: there is no such project.
            ProjectNotEmptyError: it has repositories.
        """
        with atomic():
            project = self.get(project_id)
            try:
                with atomic():
                    self._store.delete_project(project_id)
            except IntegrityError as error:
                raise ProjectNotEmptyError(f"project {project.name} still has repositories") from error
            # Robots hear of it and go in the same transaction.
            self._events.publish(ProjectDeleted(actor, project_id, project.name))

    def _creator(self, owner: Principal) -> int:
        if owner.kind is not PrincipalKind.USER:
            raise ProjectCreationDeniedError("only users can create projects")
        if self._site.creation() != _EVERYONE and not owner.admin:
            raise ProjectCreationDeniedError("only system administrators can create projects here")
        return owner.id

    def _limit(self, owner: Principal | None, asked: int | None) -> int:
        usual = self._site.storage_limit_bytes()
        if asked is None or asked == usual:
            return usual
        if owner is not None and not owner.admin:
            raise ProjectCreationDeniedError(
                "only system administrators can give a new project a storage limit of its own"
            )
        return checked_limit(asked)

    def _insert(self, name: str, public: bool, owner_id: int | None) -> int:
        try:
            with atomic():
                number = self._store.insert_project(name, public=public, owner_id=owner_id, now=self._clock())
                if owner_id is not None:
                    self._store.insert_member(number, owner_id, Role.PROJECT_ADMIN)
                return number
        except IntegrityError as error:
            if self._store.project_named(name) is None:
                raise UserUnknownError("the owner's account is gone") from error
            raise ProjectExistsError.of(name) from error


def checked_name(name: str) -> str:
    """The same name, if a project can have it.

    Raises:
        ProjectInvalidError: it is too long, reserved, or no component of a repository name.
    """
    if len(name) > MAX_NAME_LENGTH:
        raise ProjectInvalidError(f"a project name has at most {MAX_NAME_LENGTH} characters")
    if not is_component(name):
        raise ProjectInvalidError(
            f"{name!r} cannot be a project name: it takes a-z and 0-9, joined inside by '.', '_', '__' or '-'"
        )
    if name in RESERVED:
        raise ProjectInvalidError(f"{name!r} is reserved")
    return name
