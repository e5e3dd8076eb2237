"""What stands in paths: numbers, and repository names without the project, their slashes encoded twice."""

from urllib.parse import unquote

import falcon

from moorage.distribution.errors import NameUnknownError
from moorage.distribution.model import Repository
from moorage.distribution.repositories import Repositories
from moorage.errors import NotFound
from moorage.oci.names import RepositoryName
from moorage.web.access import Caller

_LONGEST_NUMBER = 18


def number_in_path(text: str, unknown: NotFound) -> int:
    """The number of something; whatever is no number is the number of nothing.

    Raises:
        NotFound: `unknown`.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER):
        raise unknown
    return int(text)


def full_name(project_name: str, repository_name: str) -> RepositoryName:
    """The whole name; the server took one layer of encoding off already.

    Raises:
        NameInvalidError: it is no repository name.
    """
    return RepositoryName.parse(f"{project_name}/{unquote(repository_name)}")


def repository_of(
    req: falcon.Request, repositories: Repositories, project_name: str, repository_name: str
) -> Repository:
    """The repository that the path names, in the very project that the caller was let into.

    Raises:
        NameInvalidError: it cannot be one.
        NameUnknownError: there is none.
    """
    caller: Caller = req.context.caller
    name = full_name(project_name, repository_name)
    found = repositories.find(name)
    if found is None or found.project_id != caller.project_id:
        raise NameUnknownError.of(name)
    return found
