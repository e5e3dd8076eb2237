"""Loading: defaults, file, environment; whatever is wrong is told, all at once and without secrets."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moorage.config import ConfigurationError, Problem, Settings, load
from moorage.config.entries import ENTRIES, VARIABLES
from moorage.errors import Invalid

PASSWORD = "s3cr3t-p4ssw0rd"


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(text: str) -> Path:
    path = Path("moorage.toml").absolute()
    path.write_text(text)
    return path


def problems(text: str = "", **env: str) -> list[str]:
    """What is said about a file and an environment, without the name of the file."""
    path = write(text)
    with pytest.raises(ConfigurationError) as caught:
        load(path, env)
    return [str(problem).removeprefix(f"{path}: ") for problem in caught.value.problems]


def test_without_anything_the_defaults_hold(tmp_path):
    loaded = load(None, {})
    assert loaded.server == Settings().server
    assert loaded.storage.data == tmp_path / "data"
    assert loaded.database_url == f"sqlite:///{tmp_path}/data/db/moorage.sqlite"
    assert (loaded.server.host, loaded.server.port) == ("127.0.0.1", 5000)
    assert not Path("data").exists()


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path):
    path = write(
        """
        [server]
        port = 8080
        external_url = "https://registry.example.com/"
        behind_nginx = true
        [storage]
        data = "blobs"
        [database]
        url = "postgresql://moorage:pw@localhost:5432/moorage"
        [projects]
        creation = "adminonly"
        [audit]
        flush_seconds = 2
        """
    )
    loaded = load(path, {})
    assert loaded.server.port == 8080
    assert loaded.server.external_url == "https://registry.example.com"
    assert loaded.server.behind_nginx is True
    assert loaded.server.threads == 4
    assert loaded.storage.data == tmp_path / "blobs"
    assert loaded.database_url == "postgresql://moorage:pw@localhost:5432/moorage"
    assert loaded.projects.creation == "adminonly"
    assert loaded.audit.flush_seconds == 2.0
    assert isinstance(loaded.audit.flush_seconds, float)


def test_an_empty_file_is_a_file():
    assert load(write(""), {}) == load(None, {})


def test_the_environment_wins_over_the_file():
    path = write("[server]\nport = 8080\nthreads = 8")
    loaded = load(path, {"MOORAGE_SERVER_PORT": "9090", "HOME": "/root", "PATH": "", "MOOR": "x"})
    assert (loaded.server.port, loaded.server.threads) == (9090, 8)


def test_the_environment_names_the_file_unless_the_caller_does():
    named = write("[server]\nport = 1")
    other = named.with_name("other.toml")
    other.write_text("[server]\nport = 2")
    assert load(None, {"MOORAGE_CONFIG": str(named)}).server.port == 1
    assert load(other, {"MOORAGE_CONFIG": str(named)}).server.port == 2
    assert load(None, {"MOORAGE_CONFIG": ""}).server.port == 5000


def test_short_names_stand_for_the_settings_of_a_quick_start(tmp_path):
    env = {
        "MOORAGE_HOST": "::",
        "MOORAGE_PORT": "0",
        "MOORAGE_DATA": str(tmp_path / "elsewhere"),
        "MOORAGE_DATABASE_URL": "postgresql:///moorage",
    }
    loaded = load(None, env)
    assert (loaded.server.host, loaded.server.port) == (env["MOORAGE_HOST"], 0)
    assert loaded.storage.data == tmp_path / "elsewhere"
    assert loaded.database_url == "postgresql:///moorage"


def test_a_short_name_and_a_long_name_must_agree():
    assert load(None, {"MOORAGE_PORT": "1", "MOORAGE_SERVER_PORT": "1"}).server.port == 1
    assert problems("", MOORAGE_PORT="1", MOORAGE_SERVER_PORT="2") == [
        "environment MOORAGE_PORT: server.port: says otherwise than MOORAGE_SERVER_PORT"
    ]


def test_every_setting_has_a_variable_of_its_own_name():
    for entry in ENTRIES:
        assert VARIABLES[f"MOORAGE_{entry.section}_{entry.key}".upper()] is entry


@pytest.mark.parametrize(
    ("word", "value"),
    [
        *((word, True) for word in ("true", "TRUE", "1", "yes", "Yes")),
        *((word, False) for word in ("false", "False", "0", "no", "NO")),
    ],
)
def test_truth_in_the_environment_has_words(word, value):
    assert load(None, {"MOORAGE_REGISTRY_SPARSE_INDEXES": word}).registry.sparse_indexes is value


@pytest.mark.parametrize("name", ["ADMIN_PASSWORD", "CRASH_AT", "CRASH_SKIP", "TEST_ANYTHING", "TEST_"])
def test_variables_that_are_no_settings_are_left_alone(name):
    assert load(None, {f"MOORAGE_{name}": "x"}) == load(None, {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[server]\nport = '5000'", "server.port: must be a whole number, not a text"),
        ("[server]\nport = 5000.0", "server.port: must be a whole number, not a number"),
        ("[server]\nport = true", "server.port: must be a whole number, not true or false"),
        ("[server]\nport = [5000]", "server.port: must be a whole number, not an array"),
        ("[server]\nport = {a = 1}", "server.port: must be a whole number, not a table"),
        ("[server]\nport = 2026-01-01", "server.port: must be a whole number, not a date or time"),
        ("[server.port]\na = 1", "server.port: must be a whole number, not a table"),
        ("[server]\nport = 65536", "server.port: must be from 0 to 65535, not 65536"),
        ("[server]\nport = -1", "server.port: must be from 0 to 65535, not -1"),
        ("[server]\nthreads = 0", "server.threads: must be from 1 to 256, not 0"),
        ("[server]\nbehind_nginx = 1", "server.behind_nginx: must be true or false, not a whole number"),
        ("[server]\nbehind_nginx = 'yes'", "server.behind_nginx: must be true or false, not a text"),
        ("[server]\nhost = 5", "server.host: must be a text, not a whole number"),
        ("[server]\nhost = ''", "server.host: must be an IP address or a host name"),
        ("[storage]\ndata = 5", "storage.data: must be a path, not a whole number"),
        ("[storage]\ndata = ''", "storage.data: must be the path of a folder"),
        ("[audit]\nflush_seconds = nan", "audit.flush_seconds: must be from 0.01 to 60, not nan"),
        ("[audit]\nflush_seconds = inf", "audit.flush_seconds: must be from 0.01 to 60, not inf"),
        ("[audit]\nflush_seconds = false", "audit.flush_seconds: must be a number, not true or false"),
        ("[projects]\ncreation = 'all'", "projects.creation: must be one of everyone, adminonly"),
        ("[projects]\ncreation = 1", "projects.creation: must be a text, not a whole number"),
        ("[log]\nlevel = 'INFO'", "log.level: must be one of debug, info, warning, error"),
        ("[token]\nservice = 'a\"b'", "token.service: must have 1 to 255 letters, digits"),
        ("[server]\nprot = 1", "server.prot: unknown key; did you mean port?"),
        ("[server]\nxyzzy = 1", "server.xyzzy: unknown key"),
        ("[server]\ndata = 'x'", "server.data: unknown key; it belongs to [storage]"),
        ("[sever]\nport = 1", "sever: unknown section; did you mean server?"),
        ("[xyzzy]", "xyzzy: unknown section"),
        ("port = 1", "port: unknown key outside of any section"),
        ("server = 1", "server: is a section: write its keys below a line [section]"),
        ("[[server]]\nport = 1", "server: is a section: write its keys below a line [section]"),
        ("[server]\nport = ", "TOML syntax error: Invalid value (at line 2, the end)"),
        ("[server]\nport = x\n", "TOML syntax error: Invalid value (at line 2, column 8)"),
        ("[server\nport = 1", "TOML syntax error: Expected ']' at the end of a table declaration (at line 1"),
        ("[server]\nport = 1\nport = 2", "TOML syntax error: Cannot overwrite a value (at line 3, the end)"),
        ("[server]\nport = " + "9" * 5000, "TOML syntax error: has a number or a nesting out of range"),
        ("[server]\nport = " + "[" * 50_000, "TOML syntax error: has a number or a nesting out of range"),
        (
            "[login]\nlock_seconds = 1000",
            "login.max_lock_seconds: must be at least login.lock_seconds, which is 1000",
        ),
    ],
)
def test_what_is_wrong_in_a_file_is_told_by_key_and_reason(text, said):
    (problem,) = problems(text)
    assert problem.startswith(said)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("MOORAGE_PORT", "http", "server.port: must be a whole number"),
        ("MOORAGE_PORT", "", "server.port: must be a whole number"),
        ("MOORAGE_PORT", "5_000", "server.port: must be a whole number"),
        ("MOORAGE_PORT", " 5000", "server.port: must be a whole number"),
        ("MOORAGE_PORT", "5000.0", "server.port: must be a whole number"),
        ("MOORAGE_PORT", "\u0665", "server.port: must be a whole number"),
        ("MOORAGE_PORT", "9" * 5000, "server.port: must be a whole number"),
        ("MOORAGE_PORT", "tcp://10.0.0.1:80", "server.port: must be a whole number"),
        ("MOORAGE_PORT", "99999", "server.port: must be from 0 to 65535, not 99999"),
        ("MOORAGE_AUDIT_FLUSH_SECONDS", "soon", "audit.flush_seconds: must be a number"),
        ("MOORAGE_AUDIT_FLUSH_SECONDS", "nan", "audit.flush_seconds: must be from 0.01 to 60, not nan"),
        ("MOORAGE_AUDIT_BLOBS", "on", "audit.blobs: must be one of true, yes, 1, false, no, 0"),
        ("MOORAGE_AUDIT_BLOBS", "", "audit.blobs: must be one of true, yes, 1, false, no, 0"),
        ("MOORAGE_LOG_FORMAT", "xml", "log.format: must be one of json, text"),
        ("MOORAGE_DATA", "", "storage.data: must be the path of a folder"),
        ("MOORAGE_PROT", "1", "unknown variable; did you mean MOORAGE_PORT?"),
        ("MOORAGE_SERVER_PROT", "1", "unknown variable; did you mean MOORAGE_SERVER_PORT?"),
        ("MOORAGE_", "1", "unknown variable"),
        ("MOORAGE_TESTS", "1", "unknown variable"),
    ],
)
def test_what_is_wrong_in_the_environment_is_told_by_variable_and_key(variable, value, said):
    with pytest.raises(ConfigurationError) as caught:
        load(None, {variable: value})
    (problem,) = map(str, caught.value.problems)
    assert problem.startswith(f"environment {variable}: {said}")


def test_everything_that_is_wrong_is_told_at_once():
    path = write(
        """
        [server]
        port = "x"
        host = ""
        colour = "blue"
        [storge]
        [login]
        lock_seconds = 100
        max_lock_seconds = 10
        """
    )
    with pytest.raises(ConfigurationError) as caught:
        load(path, {"MOORAGE_LOG_LEVEL": "loud", "MOORAGE_COLOUR": "blue"})
    assert [(each.file, each.key) for each in caught.value.problems] == [
        (str(path), "server.port"),
        (str(path), "server.host"),
        (str(path), "server.colour"),
        (str(path), "storge"),
        ("environment MOORAGE_COLOUR", ""),
        ("environment MOORAGE_LOG_LEVEL", "log.level"),
        (str(path), "login.max_lock_seconds"),
    ]
    lines = str(caught.value).splitlines()
    assert len(lines) == len(caught.value.problems)
    assert lines[0] == f"{path}: server.port: must be a whole number, not a text"
    assert caught.value.message == str(caught.value)
    assert isinstance(caught.value, Invalid)


def test_a_lock_out_may_always_be_as_long_as_the_first():
    loaded = load(write("[login]\nlock_seconds = 900"), {})
    assert loaded.login.lock_seconds == loaded.login.max_lock_seconds


def test_a_wrong_value_in_the_file_is_told_although_the_environment_overrides_it():
    assert problems("[server]\nport = 'x'", MOORAGE_PORT="1") == [
        "server.port: must be a whole number, not a text"
    ]


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    for path, said in [
        (tmp_path / "missing.toml", "cannot be read: No such file or directory"),
        (tmp_path, "cannot be read: Is a directory"),
    ]:
        with pytest.raises(ConfigurationError) as caught:
            load(path, {})
        assert caught.value.problems == (Problem(str(path), "", said),)


def test_a_file_in_another_encoding_is_told_by_line():
    path = write("")
    path.write_bytes(b"[server]\n# M\xfcnchen\n")
    with pytest.raises(ConfigurationError, match=r"is not UTF-8 \(at line 2\)"):
        load(path, {})


def test_a_data_folder_that_cannot_be_made_is_told_even_when_it_is_the_default():
    Path("data").write_text("a file in the way")
    (said,) = problems("")
    assert said.startswith("default: storage.data: is unreachable: ")
    assert said.endswith("is not a folder")


@pytest.mark.parametrize(
    ("text", "env"),
    [
        (f"[database]\nurl = 'mysql://root:{PASSWORD}@db/moorage'", {}),
        (f"[database]\nurl = ['postgresql://root:{PASSWORD}@db/moorage']", {}),
        (f"[database]\nurl = 'postgresql://root:{PASSWORD}@db:port/moorage'", {}),
        (f"[database]\nurl = 'postgresql://root:{PASSWORD}@[db/moorage'", {}),
        (f"[database]\nurl = 'postgresql://root:{PASSWORD}@db'", {}),
        (f"[database]\nurl = 'postgresql://root:{PASSWORD} @db/x'", {}),
        (f"[database]\nurl = 'sqlite:/{PASSWORD}'", {}),
        (f"[database]\nurl = 'postgresql://root:{PASSWORD}@db/x", {}),
        (f"[database]\nurl = postgresql://root:{PASSWORD}@db/x", {}),
        (f"database = 'postgresql://root:{PASSWORD}@db/x'", {}),
        (f"[server]\nhost = 'postgresql://root:{PASSWORD}@db/x'", {}),
        (f"[server]\nexternal_url = 'https://root:{PASSWORD}@db'", {}),
        (f"[server]\nport = 'postgresql://root:{PASSWORD}@db/x'", {}),
        (f"[projects]\ncreation = '{PASSWORD}'", {}),
        (f"[token]\nservice = '{PASSWORD}!'", {}),
        ("", {"MOORAGE_DATABASE_URL": f"pg://root:{PASSWORD}@db/x"}),
        ("", {"MOORAGE_DATABASE_URL": f"postgresql://root:{PASSWORD}@db:0/x"}),
        ("", {"MOORAGE_PORT": f"postgresql://root:{PASSWORD}@db/x"}),
        ("", {"MOORAGE_AUDIT_BLOBS": PASSWORD, "MOORAGE_ADMIN_PASSWORD": PASSWORD}),
        ("", {"MOORAGE_ADMIN_PASWORD": PASSWORD}),
    ],
)
def test_no_value_that_may_be_a_secret_is_repeated(text, env):
    with pytest.raises(ConfigurationError) as caught:
        load(write(text), env)
    error: BaseException | None = caught.value
    while error is not None:
        assert PASSWORD not in f"{error}{error!r}"
        error = error.__cause__ or error.__context__


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text() | st.text(alphabet='[]server.pot= "1\n'))
def test_no_file_breaks_the_loader(text):
    path = Path("moorage.toml")
    path.write_bytes(text.encode("utf-8", "replace"))
    try:
        load(path, {})
    except ConfigurationError:
        return


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(VARIABLES)), st.text() | st.integers().map(str) | st.floats().map(str))
def test_no_variable_breaks_the_loader(variable, value):
    try:
        load(None, {variable: value})
    except ConfigurationError:
        return
