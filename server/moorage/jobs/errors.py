"""What can go wrong with jobs."""

from moorage.errors import Conflict, Invalid, NotFound, Unsupported


class ExecutionUnknownError(NotFound):
    """There is no such run of a job."""


class ExecutionRunningError(Conflict):
    """A run of the same job waits or works already."""


class ExecutionTakenError(Conflict):
    """Another process works on this run."""


class JobUnknownError(Unsupported):
    """This release has no job of that kind."""


class ScheduleUnknownError(NotFound):
    """The job has no schedule."""


class CronInvalidError(Invalid):
    """Not a text that says when something runs."""
