"""Everything that is kept about jobs."""

from moorage.jobs.execution_store import ExecutionStore
from moorage.jobs.history_store import HistoryStore
from moorage.jobs.schedule_store import ScheduleStore


class JobStore:
    """Runs, what they did, and when they run by themselves."""

    def __init__(self) -> None:
        self.runs = ExecutionStore()
        self.history = HistoryStore()
        self.schedules = ScheduleStore()
