"""A real PostgreSQL in a folder of its own, on a socket there and a loopback port, run
by a user without rights."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.helpers.broker import free_port
from tests.helpers.waiting import wait_for

OWNER = "owner"
"""The database's first user."""


def programs() -> Path | None:
    """Where Debian has the newest server's programs."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3])
    )
    return found[-1].parent if found else None


class Postgres:
    """A server that can be stopped and started again."""

    def __init__(self) -> None:
        bin_folder = programs()
        if bin_folder is None:
            pytest.skip("needs postgresql (script/setup installs it)")
        self._bin, self.port = bin_folder, free_port()
        # Short: the path of a socket has at most 107 letters.
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))
        self._user: dict[str, int] = {}
        if os.geteuid() == 0:  # the server refuses to run as root
            nobody = pwd.getpwnam("nobody")
            self._user = {"user": nobody.pw_uid, "group": nobody.pw_gid}
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
        self._numbers = itertools.count()
        self._call("initdb", "-D", f"{self.folder}/data", "-U", OWNER, "-A", "trust", "-N")
        self._server: subprocess.Popen[bytes] | None = None

    def _call(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._bin / program), *arguments],
            check=True,
            capture_output=True,
            cwd=self.folder,
            **self._user,  # type: ignore[call-overload]
        )

    def start(self, *settings: str) -> None:
        """Start it; returns when it answers."""
        options = ["-c", "listen_addresses=127.0.0.1", "-p", str(self.port), "-k", str(self.folder)]
        for one in settings:
            options += ["-c", one]
        with (self.folder / "log").open("ab") as log:
            self._server = subprocess.Popen(
                [str(self._bin / "postgres"), "-D", f"{self.folder}/data", *options],
                cwd=self.folder,
                stdout=subprocess.DEVNULL,
                stderr=log,
                **self._user,  # type: ignore[call-overload]
            )
        wait_for(self._answers, "the database server")

    def _answers(self) -> bool:
        command = [
            str(self._bin / "pg_isready"),
            "-q",
            "-h",
            str(self.folder),
            "-p",
            str(self.port),
        ]
        return subprocess.run(command).returncode == 0

    def stop(self) -> None:
        """Stop it at once; connections break."""
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)  # a "fast" shutdown
            self._server.wait()
            self._server = None

    def url(self, database: str = "postgres", user: str = OWNER) -> str:
        """The address of a database, through the socket."""
        return f"postgresql://{user}@/{database}?host={self.folder}&port={self.port}"

    def make(self) -> str:
        """Make a database; returns its address."""
        name = f"fleet{next(self._numbers)}"
        where = ["-h", str(self.folder), "-p", str(self.port), "-U", OWNER]
        self._call("createdb", *where, name)
        return self.url(name)

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
