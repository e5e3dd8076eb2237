"""Fixtures for every kind of test: databases and a clock."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from moorage.db.connection import close_connection, open_database
from tests.support.clock import SetClock
from tests.support.databases import PostgresqlDatabases, SqliteDatabases
from tests.support.postgresql import PostgresqlServer

POSTGRESQL = "postgresql"
SQLITE = "sqlite"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-postgresql", action="store_true", help="run on SQLite alone")
    parser.addoption(
        "--soak-seconds", type=float, default=60, metavar="S", help="how long clients and collector meet (60)"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database_kind" in metafunc.fixturenames:
        kinds = [SQLITE] if metafunc.config.getoption("--no-postgresql") else [SQLITE, POSTGRESQL]
        metafunc.parametrize("database_kind", kinds, indirect=True, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    live = config.rootpath / "tests" / "live"
    for item in items:
        if live in item.path.parents:
            item.add_marker(pytest.mark.live)


@pytest.fixture(scope="session")
def database_kind(request: pytest.FixtureRequest) -> str:
    """``sqlite`` or ``postgresql``: every test that asks for a database runs on each."""
    kind: str = request.param
    return kind


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    server = PostgresqlServer()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabases:
    return SqliteDatabases(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgresql_databases(
    postgresql_server: PostgresqlServer, tmp_path_factory: pytest.TempPathFactory
) -> PostgresqlDatabases:
    return PostgresqlDatabases(postgresql_server, tmp_path_factory.mktemp("postgresql"))


@pytest.fixture
def database(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a fresh database with the project's schema; the handle is bound to it."""
    yield from _bound(database_kind, request, tmp_path, migrated=True)


@pytest.fixture
def database_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without any table; the handle is bound to it."""
    yield from _bound(database_kind, request, tmp_path, migrated=False)


def _bound(kind: str, request: pytest.FixtureRequest, folder: Path, *, migrated: bool) -> Iterator[str]:
    if kind == SQLITE:
        files: SqliteDatabases = request.getfixturevalue("sqlite_databases")
        yield from _opened(files.fresh(folder) if migrated else files.empty(folder))
        return
    server: PostgresqlDatabases = request.getfixturevalue("postgresql_databases")
    name, url = server.fresh() if migrated else server.empty()
    yield from _opened(url)
    server.drop(name)


def _opened(url: str) -> Iterator[str]:
    open_database(url)
    yield url
    close_connection()


@pytest.fixture
def clock() -> SetClock:
    """A clock that stands still until the test moves it."""
    return SetClock()
