"""What can go wrong with projects and their members."""

from moorage.errors import Conflict, Denied, Invalid, NotFound, PreconditionFailed
from moorage.sizes import in_words


class ProjectUnknownError(NotFound):
    """No such project, or the caller may not know of it."""


class ProjectExistsError(Conflict):
    """The name is taken: by a project that has it, or by one that had it before it was renamed."""

    @classmethod
    def of(cls, name: str) -> "ProjectExistsError":
        """The same words for both: which of them it is, strangers need not learn."""
        return cls(f"there is a project {name} already, or a project had this name and keeps it")


class FormerNameUnknownError(NotFound):
    """No project was called that."""


class FormerNamesFullError(Conflict):
    """The project had as many names as a project may have had."""


class ProjectNotEmptyError(PreconditionFailed):
    """Only an empty project can be deleted."""


class ProjectInvalidError(Invalid):
    """A name or setting that breaks the rules for it."""


class ProjectCreationDeniedError(Denied):
    """This account may not create projects."""


class MetadataInvalidError(Invalid):
    """A setting of a project that there is not, or with a value that it cannot have."""


class MetadataUnknownError(NotFound):
    """The project has no such setting."""


class MetadataExistsError(Conflict):
    """The project has the setting already."""


class AllowlistInvalidError(Invalid):
    """A list of vulnerabilities that cannot be."""


class MemberUnknownError(NotFound):
    """The project has no such member."""


class MemberExistsError(Conflict):
    """The account is a member already."""


class QuotaInvalidError(Invalid):
    """A storage limit that no project can have."""


class QuotaExceededError(Denied):
    """The project would hold more than its storage limit allows; nothing was changed."""

    @classmethod
    def of(cls, *, used_bytes: int, limit_bytes: int, asked_bytes: int) -> "QuotaExceededError":
        """The error for something of `asked_bytes`; 0 when its size is not known."""
        asked = f"and {in_words(asked_bytes)} more do not fit" if asked_bytes else "and nothing more fits"
        return cls(
            f"the project's storage limit is {in_words(limit_bytes)}: "
            f"{in_words(used_bytes)} are used, {asked}",
            {"limit_bytes": limit_bytes, "used_bytes": used_bytes, "asked_bytes": asked_bytes},
        )


class ImmutableTagError(PreconditionFailed):
    """A rule of the project says that the tag stays as it is; nothing was changed."""

    @classmethod
    def of(cls, repository: str, tag: str, rule_id: int, rule: str) -> "ImmutableTagError":
        """The error for a tag and the rule that decides, in words."""
        return cls(
            f"tag {tag} of {repository} is immutable: rule {rule_id} of the project keeps {rule}",
            {"tag": tag, "rule": rule_id},
        )


class ImmutabilityRuleUnknownError(NotFound):
    """The project has no such rule."""


class ImmutabilityRuleExistsError(Conflict):
    """The project has a rule for the same tags of the same repositories."""


class ImmutabilityRulesFullError(Invalid):
    """The project has as many rules as a project may have."""
