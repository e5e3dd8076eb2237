"""A worker as a program: ``python -m tests.support.job_program <database> <how>``.

It carries out one run of ``gc`` on the real clock with a short lease. It prints ``at 3`` when the
third step of the run is kept in the database, and after the last step ``done``. `how` is ``waits``
to stay there until it is killed or the run is stopped.
"""

import sys
import time

from moorage.clock import utcnow
from moorage.db.connection import open_database
from moorage.jobs.run import Run
from tests.support.jobs import LIVELY, Jobs

STEPS = 3


def main() -> None:
    """Take up the run, or print ``nothing``."""
    database, how = sys.argv[1:]
    open_database(database)
    jobs = Jobs(utcnow)

    def handler(run: Run) -> dict[str, object]:
        for step in range(int(str(run.progress.get("step", 0))) + 1, STEPS + 1):
            run.mark(step=step)
            run.say(f"step {step}")
        while jobs.executions.get(run.execution.id).progress.get("step") != STEPS:
            time.sleep(0.01)
        print(f"at {STEPS}", flush=True)
        while how == "waits" and not run.stopping:
            run.pause(1.0)
        return {"stopping": run.stopping}

    done = jobs.runner(handler, LIVELY).run_next()
    print("nothing" if done is None else f"done {done.state.value}", flush=True)


if __name__ == "__main__":
    main()
