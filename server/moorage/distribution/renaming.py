"""Renaming a project with everything in it, while others push to it and pull from it."""

from moorage.crashpoints import reach
from moorage.distribution.changes import change
from moorage.distribution.repositories import Repositories
from moorage.events import Actor
from moorage.identity.model import Principal
from moorage.projects.model import Project
from moorage.projects.projects import Projects


class Renaming:
    """Gives a project another name; all of it in one transaction."""

    def __init__(self, projects: Projects, repositories: Repositories) -> None:
        self._projects = projects
        self._repositories = repositories

    def rename(self, actor: Actor, owner: Principal | None, project_id: int, name: str) -> Project:
        """See `Projects.rename`; begun again when a push crossed it.

        Whoever writes to a repository holds it and then, as a rule, something of its project. In the same
        order here, a rename waits for pushes and blocks none of them for good.
        """
        reach("project.rename.before")
        project = change(lambda: self._rename(actor, owner, project_id, name))
        reach("project.rename.committed")
        return project

    def _rename(self, actor: Actor, owner: Principal | None, project_id: int, name: str) -> Project:
        self._repositories.hold_all(project_id)
        project = self._projects.rename(actor, owner, project_id, name)
        reach("project.rename.written")
        return project
