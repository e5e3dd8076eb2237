"""Housekeeping goes on whatever one chore does."""

import threading
from datetime import timedelta

from moorage.jobs.worker import Chore, Worker


def chore(name: str, run, every: float = 3600) -> Chore:
    return Chore(name, timedelta(seconds=every), run)


def test_every_chore_runs_at_the_start():
    seen: list[str] = []
    Worker([chore("a", lambda: seen.append("a")), chore("b", lambda: seen.append("b"))]).run_once()
    assert seen == ["a", "b"]


def test_a_failing_chore_is_named_and_the_others_still_run():
    seen: list[str] = []

    def fail() -> None:
        raise OSError("disk is gone")

    failed = Worker([chore("ill", fail), chore("well", lambda: seen.append("well"))]).run_once()
    assert failed == ["ill"]
    assert seen == ["well"]


def test_a_chore_runs_again_at_its_interval_until_it_is_stopped():
    stop = threading.Event()
    runs: list[int] = []

    def run() -> None:
        runs.append(1)
        if len(runs) == 2:
            stop.set()

    thread = threading.Thread(target=Worker([chore("tick", run, every=1)]).run, args=(stop,))
    thread.start()
    thread.join(timeout=20)
    assert not thread.is_alive()
    assert len(runs) == 2


def test_stopping_ends_a_waiting_worker_at_once():
    stop = threading.Event()
    started = threading.Event()
    thread = threading.Thread(target=Worker([chore("slow", started.set)]).run, args=(stop,))
    thread.start()
    assert started.wait(20)
    stop.set()
    thread.join(timeout=20)
    assert not thread.is_alive()


def test_what_runs_beside_the_chores_begins_and_ends_with_them():
    stop, began = threading.Event(), threading.Event()
    seen: list[str] = []

    def beside(told: threading.Event) -> None:
        began.set()
        told.wait(20)
        seen.append("beside")

    thread = threading.Thread(target=Worker([chore("a", lambda: None)], [beside, beside]).run, args=(stop,))
    thread.start()
    assert began.wait(20)
    stop.set()
    thread.join(timeout=20)
    assert not thread.is_alive()
    assert seen == ["beside", "beside"]
