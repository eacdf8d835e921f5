"""Databases for tests: SQLite files, and a PostgreSQL cluster that each test process starts for itself.

Each test gets a fresh copy of a template that was migrated once.
"""

import asyncio
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from dss.infra.db import Database
from dss.infra.migrating import upgrade
from tests.world.quick_files import memory

TEMPLATE = "template_dss"
QUICK = "-c fsync=off -c full_page_writes=off -c max_connections=200"


class Cluster:
    """A PostgreSQL server of our own on a free port of loopback and on a socket in its own folder.

    Trusts everyone who can connect: it holds nothing but tests' rows.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="dss-pg-", dir=memory()))
        self.port = _free_port()
        self._bin = _binaries()
        # The server refuses to run as root.
        self._as_owner = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self._as_owner:
            os.chown(self.folder, pwd.getpwnam("postgres").pw_uid, -1)
        self._run("initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")

    def start(self) -> None:
        """Start the server and wait until it answers."""
        place = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1"
        log = str(self.folder / "log")
        self._run("pg_ctl", "start", "-w", "-s", "-D", self._data, "-l", log, "-o", f"{place} {QUICK}")

    def stop(self) -> None:
        """Stop the server as a crash would, without a word to its clients."""
        self._run("pg_ctl", "stop", "-w", "-s", "-D", self._data, "-m", "immediate")

    def destroy(self) -> None:
        """Stop the server and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder)

    def create(self, name: str, template: str = "template1") -> str:
        """Make a database and return its URL."""
        _run(self._bin / "createdb", *self._connect, "-T", template, name)
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected."""
        _run(self._bin / "dropdb", *self._connect, "--force", name)

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    @property
    def _connect(self) -> tuple[str, ...]:
        return "-h", str(self.folder), "-p", str(self.port), "-U", "postgres"

    def _run(self, program: str, *arguments: str) -> None:
        _run(*self._as_owner, self._bin / program, *arguments)


def _run(*command: str | Path) -> None:
    # Output goes to a file: a server that inherits a pipe would keep its reader waiting.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(command, stdout=output, stderr=output, cwd="/", timeout=60, check=False)
        output.seek(0)
        assert done.returncode == 0, f"{command}: {output.read().decode()}"


def _binaries() -> Path:
    """Find the server's programs: Debian keeps them off the PATH, Homebrew on it."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    on_path = shutil.which("initdb")
    if not debian and not on_path:
        pytest.fail("PostgreSQL is not installed: apt-get install postgresql, or brew install postgresql")
    return debian[-1] if debian else Path(str(on_path)).resolve().parent


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A running PostgreSQL server of this test process alone: a test may stop and start it."""
    cluster = Cluster()
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.destroy()


@pytest.fixture(scope="session")
def postgres_template(postgres: Cluster) -> str:
    """The name of a migrated, empty database to copy."""
    asyncio.run(upgrade(postgres.create(TEMPLATE)))
    return TEMPLATE


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty database file to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    asyncio.run(upgrade(f"sqlite:///{path}"))
    return path


@pytest.fixture
def postgres_url(postgres: Cluster, postgres_template: str) -> Iterator[str]:
    """A migrated, empty PostgreSQL database of the test's own."""
    name = f"test_{secrets.token_hex(8)}"
    yield postgres.create(name, postgres_template)
    postgres.drop(name)


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A migrated, empty SQLite database of the test's own."""
    path = tmp_path / "dss.db"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated, empty database of the test's own; the test runs once on each kind."""
    kind = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]
    return str(request.getfixturevalue(kind))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Open that database; the test runs once on each kind."""
    opened = Database(database_url)
    yield opened
    await opened.close()
