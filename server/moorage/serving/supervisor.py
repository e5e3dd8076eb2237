"""The parent: binds the sockets, forks the processes, restarts those that die, ends them gently.

Signals to it: SIGTERM and SIGINT end everything after the requests under way, a second one ends
it at once; SIGHUP replaces the processes one by one without refusing a connection.
"""

import gc
import logging
import os
import resource
import selectors
import signal
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from moorage.serving.listener import Listener
from moorage.serving.process import Program, Role, enter
from moorage.serving.roles import assign_roles

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
_DESCRIPTORS = 65_536
_FIRST_DELAY_SECONDS = 0.1
_LONGEST_DELAY_SECONDS = 10.0
#: A process that lived for so long did not die of how it was started.
_HEALTHY_SECONDS = 10.0
#: What a process may take to end beyond the drain.
_END_SECONDS = 10.0

_log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Child:
    """One process.

    Attributes:
        pipe: brings a byte when it is ready; -1 after that.
        retired: it was told to end, and another one takes its place.
    """

    pid: int
    slot: "_Slot"
    pipe: int
    started_at: float
    ready: bool = False
    retired: bool = False


@dataclass(eq=False)
class _Slot:
    """The place of one process, whoever fills it.

    Attributes:
        current: the process in charge, if there is one.
        was_ready: some process here has been ready once.
        failures: how many died in a row soon after their start.
        restart_at: when to start the next one.
    """

    role: Role
    current: _Child | None = None
    was_ready: bool = False
    failures: int = 0
    restart_at: float = 0.0


class Supervisor:
    """Keeps the processes of one `Program` running.

    Args:
        on_ready: called once with the addresses, when every process serves.
    """

    def __init__(self, program: Program, on_ready: Callable[[Sequence[str]], None]) -> None:
        self._program = program
        self._on_ready = on_ready
        self._listeners: list[Listener] = []
        self._slots: list[_Slot] = []
        self._children: dict[int, _Child] = {}
        self._to_replace: deque[_Slot] = deque()
        self._selector = selectors.PollSelector()
        self._signals, self._signal_end = os.pipe()
        self._announced = False
        self._stopping = False
        self._deadline = 0.0
        self._code = 0

    def run(self) -> int:
        """Run until a signal ends it.

        Returns:
            The exit code: 0 when every request under way was answered.

        Raises:
            ListenError: a socket cannot be bound; nothing was started.
        """
        roles = assign_roles(self._program)
        self._slots = [_Slot(role) for role in roles]
        self._listeners = list(dict.fromkeys(role.listener for role in roles if role.listener is not None))
        _raise_descriptor_limit()
        self._watch_signals()
        # What is loaded by now is shared with the children as long as nobody touches it.
        gc.collect()
        gc.freeze()
        for slot in self._slots:
            self._start(slot)
        while self._children or not self._stopping:
            self._wait()
            self._do_what_is_due()
        return self._code

    # -- signals

    def _watch_signals(self) -> None:
        os.set_blocking(self._signals, False)
        os.set_blocking(self._signal_end, False)
        for each in _SIGNALS:
            signal.signal(each, lambda *_: None)
        signal.set_wakeup_fd(self._signal_end)
        self._selector.register(self._signals, selectors.EVENT_READ)

    def _wait(self) -> None:
        for key, _ in self._selector.select(self._seconds_to_wait()):
            if key.fd == self._signals:
                for number in os.read(self._signals, 1024):
                    self._handle(number)
            else:
                self._hear(key.data)

    def _seconds_to_wait(self) -> float | None:
        if self._stopping:
            moments = [self._deadline]
        else:
            moments = [slot.restart_at for slot in self._slots if slot.current is None]
        return max(min(moments) - time.monotonic(), 0) if moments else None

    def _handle(self, number: int) -> None:
        if number == signal.SIGCHLD:
            self._reap()
        elif number == signal.SIGHUP:
            if not self._stopping:
                _log.info("replacing the processes one by one")
                self._to_replace = deque(self._slots)
                self._replace_next()
        elif self._stopping:
            _log.warning("ending at once")
            self._kill_all()
        else:
            self._begin_stop()
            _log.info("ending: no new connections, requests under way are answered")

    # -- processes

    def _start(self, slot: _Slot) -> None:
        reader, writer = os.pipe()
        parent = os.getpid()
        # Between fork and the child's own handlers a signal would be told to the parent's pipe.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            pid = os.fork()
            if not pid:
                self._leave(slot.role, reader)
                enter(slot.role, self._program, parent, writer)
        except OSError as error:
            os.close(reader)
            self._put_off(slot, error)
            return
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            os.close(writer)
        child = _Child(pid, slot, reader, time.monotonic())
        self._children[pid] = child
        self._selector.register(reader, selectors.EVENT_READ, child)
        if slot.current is None:
            slot.current = child
        _log.debug("%s is process %d", slot.role.name, pid)

    def _put_off(self, slot: _Slot, error: OSError) -> None:
        """The machine gives no process now; at the first start that is the end, later it can wait."""
        if not slot.was_ready:
            raise error
        _log.error("%s cannot be started now: %s", slot.role.name, error)
        slot.restart_at = time.monotonic() + _LONGEST_DELAY_SECONDS
        self._to_replace.clear()

    def _leave(self, role: Role, reader: int) -> None:
        """In a new child: let go of what belongs to the parent and to its siblings."""
        os.close(reader)
        os.close(self._signals)
        os.close(self._signal_end)
        for child in self._children.values():
            if child.pipe >= 0:
                os.close(child.pipe)
        for listener in self._listeners:
            if listener is not role.listener:
                listener.socket.close()

    def _hear(self, child: _Child) -> None:
        """A process is ready, or has gone before it was."""
        if child.pipe < 0:  # heard already, on its way out
            return
        told = os.read(child.pipe, 1)
        self._close_pipe(child)
        if not told:
            return
        slot = child.slot
        child.ready = slot.was_ready = True
        _log.info("%s is ready (process %d)", slot.role.name, child.pid)
        before = slot.current
        if before is not None and before is not child:
            slot.current = child
            self._retire(before)
            self._replace_next()
        if not self._announced and all(each.was_ready for each in self._slots):
            self._announced = True
            self._on_ready([listener.address for listener in self._listeners])

    def _close_pipe(self, child: _Child) -> None:
        if child.pipe >= 0:
            self._selector.unregister(child.pipe)
            os.close(child.pipe)
            child.pipe = -1

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            child = self._children.pop(pid, None)
            if child is not None:
                self._hear(child)  # what it said before it went
                self._bury(child, os.waitstatus_to_exitcode(status))

    def _bury(self, child: _Child, code: int) -> None:
        slot = child.slot
        if slot.current is not child:
            if not child.retired:
                _log.error("%s could not be replaced: the new process ended, %s", slot.role.name, _how(code))
                self._to_replace.clear()
            return
        slot.current = None
        if slot.role.share is not None:
            slot.role.share.leave()
        if self._stopping:
            return
        if not slot.was_ready:
            _log.critical("%s could not start: it ended, %s", slot.role.name, _how(code))
            self._code = 1
            self._begin_stop()
            return
        now = time.monotonic()
        delay = 0.0
        if not child.retired:
            slot.failures = 0 if now - child.started_at >= _HEALTHY_SECONDS else slot.failures + 1
            delay = min(_FIRST_DELAY_SECONDS * 2**slot.failures, _LONGEST_DELAY_SECONDS)
            _log.error("%s ended, %s; another starts in %.1f s", slot.role.name, _how(code), delay)
        slot.restart_at = now + delay

    def _replace_next(self) -> None:
        """Start the successor of the next process; when it is ready, the old one is retired."""
        if not self._to_replace:
            return
        slot = self._to_replace.popleft()
        if slot.current is None:  # it is being replaced anyway
            self._replace_next()
        elif slot.role.listener is None:
            self._retire(slot.current)  # there is never more than one worker
            self._replace_next()
        else:
            self._start(slot)

    def _retire(self, child: _Child) -> None:
        child.retired = True
        os.kill(child.pid, signal.SIGTERM if child.slot.role.listener is None else signal.SIGHUP)

    # -- the end

    def _begin_stop(self) -> None:
        self._stopping = True
        self._deadline = time.monotonic() + self._program.settings.drain_seconds + _END_SECONDS
        for listener in self._listeners:
            listener.close(fenced=True)
        for pid in self._children:
            os.kill(pid, signal.SIGTERM)

    def _do_what_is_due(self) -> None:
        now = time.monotonic()
        if self._stopping:
            if now >= self._deadline:
                _log.warning("processes that did not end are killed")
                self._kill_all()
            return
        for slot in self._slots:
            if slot.current is None and slot.restart_at <= now:
                self._start(slot)

    def _kill_all(self) -> None:
        self._code = 1
        self._deadline = time.monotonic() + _END_SECONDS
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)


def _how(code: int) -> str:
    return f"by signal {-code}" if code < 0 else f"exit code {code}"


def _raise_descriptor_limit() -> None:
    """Every connection takes a descriptor, and so do files under way."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
