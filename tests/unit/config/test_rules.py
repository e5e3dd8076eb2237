"""What a setting may hold beyond its type: URLs, hosts, folders."""

import os

import pytest

from moorage.config import rules


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("http://localhost", "http://localhost"),
        ("https://registry.example.com", "https://registry.example.com"),
        ("https://registry.example.com/", "https://registry.example.com"),
        ("https://registry.example.com:8443", "https://registry.example.com:8443"),
        ("http://[::1]:5000", "http://[::1]:5000"),
        ("http://10.0.0.1:80", "http://10.0.0.1:80"),
    ],
)
def test_an_external_url_is_scheme_and_host(text, kept):
    assert rules.external_url(text) == kept


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("registry.example.com", "must begin with http"),
        ("//registry.example.com", "must begin with http"),
        ("ftp://registry.example.com", "must begin with http"),
        ("https:registry.example.com", "must begin with http"),
        ("https://", "must begin with http"),
        ("https://:5000", "must begin with http"),
        ("https://host:0", "must begin with http"),
        ("https://host:65536", "malformed"),
        ("https://host:port", "malformed"),
        ("https://[::1", "malformed"),
        ("https://user:pw@host", "must not name a user"),
        ("https://@host", "must not name a user"),
        ("https://host/registry", "must end after host and port"),
        ("https://host//", "must end after host and port"),
        ("https://host?", "must end after host and port"),
        ("https://host/#", "must end after host and port"),
        ("https://ho st", "printable ASCII"),
        ("https://host\n", "printable ASCII"),
        ("https://h\u00f6st", "printable ASCII"),
    ],
)
def test_any_other_external_url_is_refused(text, said):
    with pytest.raises(ValueError, match=said):
        rules.external_url(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "postgresql://user:pw@localhost:5432/moorage",
        "postgres://user@localhost/moorage",
        "postgresql:///moorage",
        "postgresql:///moorage?host=/run/postgresql&user=moorage",
        "postgresql://user:p%40ss@[::1]:5432/moorage",
        "postgresql://one:5432,two:5433/moorage?target_session_attrs=read-write",
        "sqlite:////var/lib/moorage.sqlite",
    ],
)
def test_database_urls_of_two_kinds_are_taken(text):
    assert rules.database_url(text) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mysql://localhost/moorage", "must begin with sqlite:/// or postgresql://"),
        ("localhost/moorage", "must begin with sqlite:/// or postgresql://"),
        ("/var/lib/moorage.sqlite", "must begin with sqlite:/// or postgresql://"),
        ("postgresql:localhost", "must begin with sqlite:/// or postgresql://"),
        ("postgresql://localhost", "must name the database"),
        ("postgresql://localhost/", "must name the database"),
        ("postgresql://localhost:0/moorage", "must name the database"),
        ("postgresql://localhost:99999/moorage", "malformed host or port"),
        ("postgresql://user:p/w@localhost/moorage", "malformed host or port"),
        ("postgresql://user:p w@localhost/moorage", "printable ASCII"),
        ("sqlite://relative", "must begin with sqlite:///"),
        ("sqlite:/moorage", "must begin with sqlite:///"),
        ("sqlite:///", "must name a file"),
        ("sqlite:////var/", "must name a file"),
        ("sqlite:////", "must name a file"),
        ("sqlite:///:memory:", "must name a file that all processes share"),
        ("sqlite:////var/a\0b", "must name a file"),
        ("sqlite:////etc/passwd/moorage.sqlite", "is not a folder"),
        ("sqlite:////usr", "is a folder"),
    ],
)
def test_any_other_database_url_is_refused(text, said):
    with pytest.raises(ValueError, match=said):
        rules.database_url(text)


def test_a_relative_sqlite_file_becomes_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert rules.database_url("sqlite:///db/x.sqlite") == f"sqlite:///{tmp_path}/db/x.sqlite"


def test_a_folder_may_be_missing_below_one_that_is_writable(tmp_path):
    assert rules.folder(str(tmp_path)) == str(tmp_path)
    assert rules.folder(f"{tmp_path}/a/b/../c") == f"{tmp_path}/a/c"
    assert not (tmp_path / "a").exists()


def test_a_folder_may_be_named_from_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert rules.folder("~/data") == f"{tmp_path}/data"


def test_a_folder_below_a_file_or_a_dangling_link_is_unreachable(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    for name in ("file", "file/data", "link", "link/data"):
        with pytest.raises(ValueError, match=r"is unreachable: .* is not a folder"):
            rules.folder(f"{tmp_path}/{name}")


def test_a_folder_below_one_that_is_not_writable_is_unreachable(tmp_path, monkeypatch):
    # Root may write everywhere, so the system's answer is given here.
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    with pytest.raises(ValueError, match=f"is unreachable: '{tmp_path}' is not writable"):
        rules.folder(f"{tmp_path}/data")


@pytest.mark.parametrize("text", ["", "a\0b"])
def test_a_folder_has_a_name(text):
    with pytest.raises(ValueError, match="must be the path of a folder"):
        rules.folder(text)


def test_a_socket_folder_leaves_room_for_the_name_of_a_socket(tmp_path):
    assert rules.socket_folder("") == ""
    assert rules.socket_folder("/run/x") == "/run/x"
    with pytest.raises(ValueError, match="too long for sockets"):
        rules.socket_folder("/run/" + "x" * 100)
    with pytest.raises(ValueError, match="is unreachable"):
        rules.socket_folder("/etc/passwd")


@pytest.mark.parametrize("text", ["127.0.0.1", "::", "::1", "fe80::1%eth0", "localhost", "a-b.example.com"])
def test_hosts(text):
    assert rules.host(text) == text


@pytest.mark.parametrize("text", ["", "a b", "http://a", "a/b", "a\n", "h\u00f6st", "a" * 256, "*"])
def test_what_is_no_host_is_refused(text):
    with pytest.raises(ValueError, match="must be an IP address"):
        rules.host(text)


@pytest.mark.parametrize("text", ["", 'a"b', "a b", "a,b", "a\r\nb", "a" * 256])
def test_names_that_stand_in_headers_are_plain(text):
    with pytest.raises(ValueError, match="must have 1 to 255"):
        rules.service(text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("udp://logs.example.com", "udp://logs.example.com:514"),
        ("tcp://192.0.2.9:1514/", "tcp://192.0.2.9:1514"),
        ("tls://logs.example.com", "tls://logs.example.com:6514"),
        ("tls://[2001:db8::1]", "tls://[2001:db8::1]:6514"),
    ],
)
def test_a_syslog_server_is_a_way_a_host_and_a_port(text, kept):
    assert rules.syslog_url(text) == kept


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("logs.example.com", "must begin with udp://"),
        ("https://logs.example.com", "must begin with udp://"),
        ("tcp://", "must begin with udp://"),
        ("tcp://host:0", "must begin with udp://"),
        ("tcp://host:65536", "malformed"),
        ("tcp://user:secret@host", "must not name a user"),
        ("tcp://host/path", "must end after host and port"),
        ("tcp://host?x", "must end after host and port"),
        ("tcp://ho st", "printable ASCII"),
        ("tcp://host\n", "printable ASCII"),
    ],
)
def test_any_other_syslog_server_is_refused(text, said):
    with pytest.raises(ValueError, match=said) as caught:
        rules.syslog_url(text)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("text", ["moorage@32473", "a@1", "x.y@6876.1.2"])
def test_structured_data_has_a_name_with_an_enterprise_number(text):
    assert rules.syslog_sd_id(text) == text


@pytest.mark.parametrize(
    "text", ["", "moorage", "@1", "a b@1", 'a"@1', "a=b@1", "a]@1", "a@", "a@x", "a@1\n", "a" * 22 + "@1"]
)
def test_any_other_name_of_structured_data_is_refused(text):
    with pytest.raises(ValueError, match="enterprise number"):
        rules.syslog_sd_id(text)


@pytest.mark.parametrize("text", ["", "a b", "ä", "a" * 49, "a\n"])
def test_a_program_name_that_would_break_a_message_is_refused(text):
    with pytest.raises(ValueError, match="1 to 48"):
        rules.syslog_app_name(text)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    assert rules.readable_file("") == ""
    good = tmp_path / "ca.pem"
    good.touch()
    assert rules.readable_file(str(good)) == str(good)
    for bad in (str(tmp_path), str(tmp_path / "none"), "a\0b"):
        with pytest.raises(ValueError, match="file"):
            rules.readable_file(bad)
