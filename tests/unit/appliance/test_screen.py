import os
import pty
import select
import subprocess
import sys
import textwrap
from dataclasses import replace

from moorage_appliance.network_state import Compared
from moorage_appliance.overview import Overview
from moorage_appliance.screen import lines

WELL = Overview(
    version="1.0.0",
    portal=("https://registry.example.com",),
    registry=("https://registry.example.com",),
    fingerprint="SHA256:" + ":".join(["AB", "CD"] * 16),
    parts={"disks": "done", "registry": "running", "nginx": "running"},
    network=(Compared("address", "192.0.2.10", "192.0.2.10 2001:db8::1"), Compared("DNS", "", "192.0.2.53")),
    problems=(),
)
PROBLEM = {
    "property": "tls.key",
    "message": "It is encrypted.",
    "remedy": "Take it off. " * 20,
    "warning": False,
}


def test_a_healthy_appliance_shows_where_it_is_and_by_what_it_is_known() -> None:
    text = "\n".join(lines(WELL))
    assert text.splitlines()[0].endswith(" OK")
    assert "https://registry.example.com" in text
    assert "ABCD ABCD ABCD" in text
    assert "192.0.2.10 2001:db8::1  ok" in text


def test_what_is_other_than_set_is_marked() -> None:
    other = replace(WELL, network=(Compared("gateway", "192.0.2.1", "192.0.2.2"),))
    assert " gateway     192.0.2.2  DIFFERS, set is 192.0.2.1" in lines(other)


def test_many_problems_fit_the_screen_and_say_that_there_are_more() -> None:
    shown = lines(replace(WELL, problems=(PROBLEM,) * 9), keys=True)
    assert len(shown) == 24
    assert max(map(len, shown)) <= 80
    assert "moorage-appliance status" in shown[-2]
    assert "log in" in shown[-1]
    assert shown[0].endswith("NOT OK")


def test_no_outside_value_steers_the_terminal() -> None:
    bad = "\x1b[2J\x9b1m\nroot"
    odd = replace(
        WELL,
        version=bad,
        portal=(bad,),
        registry=(bad,),
        fingerprint=bad,
        parts={"disks": bad},
        network=(Compared("DNS", bad, bad),),
        problems=({**PROBLEM, "property": bad, "message": bad, "remedy": bad},),
        first_password=bad,
    )
    assert all(letter.isprintable() for line in lines(odd, keys=True) for letter in line)


def test_a_password_is_never_in_what_programs_get() -> None:
    assert "made-up" not in repr(replace(WELL, first_password="made-up").row())


def test_the_console_draws_on_a_terminal_and_a_key_leads_to_a_login() -> None:
    program = textwrap.dedent("""
        from moorage_appliance.console import show
        show(lambda size: ([f"{size}", "second"], 60), lambda: print("LOGIN", flush=True))
    """)
    master, slave = pty.openpty()
    child = subprocess.Popen([sys.executable, "-c", program], stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    try:
        assert "second" in read_until(master, b"second")
        os.write(master, b"xl")
        assert "LOGIN" in read_until(master, b"LOGIN")
    finally:
        child.kill()
        child.wait()
        os.close(master)


def read_until(descriptor: int, wanted: bytes) -> str:
    found = b""
    while wanted not in found and select.select([descriptor], [], [], 20)[0]:
        found += os.read(descriptor, 4096)
    return found.decode(errors="replace")
