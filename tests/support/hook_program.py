"""A deliverer as a program: ``python -m tests.support.hook_program <database> <folder>``: one attempt."""

import sys
from pathlib import Path

from moorage.clock import utcnow
from moorage.db.connection import open_database
from tests.support.hooks import Hooks


def main() -> None:
    """Make one attempt, on the real clock."""
    database, folder = sys.argv[1:]
    open_database(database)
    Hooks(Path(folder), utcnow, project_id=1).dispatcher.deliver_next()


if __name__ == "__main__":
    main()
