"""What can go wrong with projects and their members."""

from moorage.errors import Conflict, Denied, Invalid, NotFound, PreconditionFailed


class ProjectUnknownError(NotFound):
    """No such project, or the caller may not know of it."""


class ProjectExistsError(Conflict):
    """The name is taken."""


class ProjectNotEmptyError(PreconditionFailed):
    """Only an empty project can be deleted."""


class ProjectInvalidError(Invalid):
    """A name or setting that breaks the rules for it."""


class ProjectCreationDeniedError(Denied):
    """This account may not create projects."""


class MemberUnknownError(NotFound):
    """The project has no such member."""


class MemberExistsError(Conflict):
    """The account is a member already."""
