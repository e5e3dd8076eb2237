"""Which processes there are, and what each of them listens on."""

import os
from pathlib import Path

from moorage.serving.balance import Balance, Share
from moorage.serving.listener import listen, listen_unix
from moorage.serving.process import Program, Role


def assign_roles(program: Program) -> list[Role]:
    """Bind the sockets and give each process its part.

    The parent keeps the sockets: a connection that comes while a process is being started again
    waits for it and is not refused.

    Raises:
        ListenError: a socket cannot be bound.
    """
    settings = program.settings
    count = settings.processes or len(os.sched_getaffinity(0))
    if settings.socket_folder:
        folder = Path(settings.socket_folder)
        roles = [
            Role(f"server-{number}", number, listen_unix(folder / f"{number}.sock"))
            for number in range(count)
        ]
    else:
        shared, balance = listen(settings.host, settings.port), Balance(count)
        roles = [Role(f"server-{number}", number, shared, Share(balance, number)) for number in range(count)]
    if program.worker is not None:
        roles.append(Role("worker", count, None))
    return roles
