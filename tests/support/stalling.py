"""A door in front of a server that can let everything through, or take everything and answer nothing."""

import contextlib
import socket
import threading


class StallingDoor:
    """Listens on the address of its own; `stalled` decides what happens to bytes from the server.

    Attributes:
        stalled: when set, answers are held back; connections and requests are still taken.
    """

    def __init__(self, target: tuple[str, int], host: str) -> None:
        self.stalled = threading.Event()
        self.taken = 0
        self._target = target
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server((host, 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        """Close everything."""
        self.stalled.clear()
        for each in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.taken += 1
                server = socket.create_connection(self._target)
                self._sockets += [client, server]
                for source, sink, held in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self._pump, args=(source, sink, held), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, held: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if held and self.stalled.is_set():
                    continue
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
