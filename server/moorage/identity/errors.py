"""What can go wrong with accounts."""

from moorage.errors import Conflict, Denied, Invalid, NotFound, RateLimited, Unauthenticated, Unavailable


class BadCredentialsError(Unauthenticated):
    """Unknown account, wrong secret, disabled or expired: one answer for all of them."""

    def __init__(self) -> None:
        super().__init__("the name or the password is wrong, or the account cannot be used")


class TooManyAttemptsError(RateLimited):
    """The account or the address is locked out for a while."""


class SessionDeniedError(Denied):
    """This account, or this secret of it, opens no session of the portal."""


class UserUnknownError(NotFound):
    """No such user."""


class RobotUnknownError(NotFound):
    """No such robot account."""


class AccessTokenUnknownError(NotFound):
    """No such personal access token."""


class UserExistsError(Conflict):
    """The name is taken."""


class RobotExistsError(Conflict):
    """The name is taken."""


class RobotChangedMeanwhileError(Conflict):
    """Somebody changed the robot between the decision about a change and the change."""


class AccessTokenExistsError(Conflict):
    """The user has a token of that name."""


class LastAdminError(Conflict):
    """Without this account nobody could administer the system."""


class OldPasswordWrongError(Denied):
    """Whoever changes their own password must know the old one."""


class AccountInvalidError(Invalid):
    """A name, password, address or duration that breaks the rules for it."""


class DirectoryAwayError(Unavailable):
    """The directory does not answer: nobody knows whether the password is right."""


class DirectoryBusyError(Unavailable):
    """The directory was not asked: too many questions wait for it already. It says nothing of how it is."""


class DirectoryDoubtedError(Conflict):
    """By what the directory says too many people would lose access at once; nobody lost it."""


class GraceRefusedError(DirectoryAwayError):
    """The directory does not answer, and the password is not the one that it last took."""


class DirectoryAccountError(Denied):
    """What the directory keeps of an account can only be changed there."""


class GroupUnknownError(NotFound):
    """No such group."""


class GroupExistsError(Conflict):
    """The group is known already."""


class GroupInvalidError(Invalid):
    """A group that the directory does not have, or of a kind that there is not."""


class GroupRenameDeniedError(Denied):
    """Another name would give the group's roles to other people, and the caller may not give roles."""


class DirectoryUnsetError(Conflict):
    """No directory was set up."""

    def __init__(self) -> None:
        super().__init__("this registry is not connected to a directory")


class DirectoryInvalidError(Invalid):
    """A connection that breaks the rules for it."""


class DirectoryExistsError(Conflict):
    """The registry is connected already."""


class DirectoryPeopleKnownError(Conflict):
    """People of an earlier connection are known, and nobody said whether they are those of the new one."""


class DirectoryUntrustedError(DirectoryAwayError):
    """What answers at the address does not show the certificate that it should; nothing was sent to it."""


class DirectoryMisconfiguredError(DirectoryAwayError):
    """The directory answers, and does not let the service account do its work."""


class NotAdmittedError(BadCredentialsError):
    """The directory takes the password and yet lets the account in nowhere."""

    def __init__(self) -> None:
        super(BadCredentialsError, self).__init__(
            "vCenter knows this account and lets it do nothing: it needs at least the role Read-only there"
        )
