"""A real Icecast with a station that plays a clip again and again."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

from tests.helpers.broker import free_port
from tests.helpers.waiting import wait_for

PASSWORD = "hackme"


def installed() -> bool:
    """Whether Debian's icecast2 and ffmpeg are there."""
    return None not in (shutil.which("icecast2"), shutil.which("ffmpeg"))


class Icecast:
    """The server on a free port, and ffmpeg that feeds its mount /radio."""

    def __init__(self, folder: Path, clip: Path) -> None:
        self.port, self._clip = free_port(), clip
        self._config = folder / "icecast.xml"
        self._log = folder / "icecast.log"
        self._config.write_text(_configuration(self.port, folder))
        folder.chmod(0o755)
        self._server: subprocess.Popen[bytes] | None = None
        self._station: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What a listener asks for."""
        return f"http://127.0.0.1:{self.port}/radio"

    def start(self) -> None:
        """Start the server and the station; returns when the station is on the air."""
        wait_for(self._is_on_air, "the station is on the air")

    def _is_on_air(self) -> bool:
        if self._server is None or self._server.poll() is not None:
            self._server = self._serve()  # Icecast 2.4 crashes now and then as it starts
        if self._station is None or self._station.poll() is not None:
            self._station = self._begin()  # the server may not have been ready
        try:
            with urllib.request.urlopen(self.url, timeout=2) as answer:
                return bool(answer.read(1))
        except OSError:
            time.sleep(0.2)
            return False

    def _serve(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                ["icecast2", "-c", str(self._config)], stdout=log, stderr=log, cwd="/"
            )

    def _begin(self) -> subprocess.Popen[bytes]:
        target = f"icecast://source:{PASSWORD}@127.0.0.1:{self.port}/radio"
        play = ["ffmpeg", "-v", "error", "-re", "-stream_loop", "-1", "-i", str(self._clip)]
        codec = ["-c:a", "libmp3lame", "-b:a", "96k", "-content_type", "audio/mpeg"]
        return subprocess.Popen(
            [*play, *codec, "-f", "mp3", target],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def lose_station(self) -> None:
        """The station is gone; the server ends the stream of its listeners."""
        assert self._station is not None
        self._station.kill()
        self._station.wait()

    def freeze(self) -> None:
        """The server sends nothing more, and closes nothing."""
        assert self._server is not None
        self._server.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        """The server is gone without a word, and the station with it."""
        for process in (self._station, self._server):
            if process is not None:
                process.kill()
                process.wait()
        self._station = self._server = None


def _configuration(port: int, folder: Path) -> str:
    """Icecast does not run as root: it becomes "nobody" then."""
    owner = ""
    if os.geteuid() == 0:
        group = "nogroup" if pwd.getpwnam("nobody") else ""
        owner = f"<changeowner><user>nobody</user><group>{group}</group></changeowner>"
    return f"""<icecast>
  <limits><clients>50</clients><sources>2</sources><burst-size>65535</burst-size></limits>
  <authentication>
    <source-password>{PASSWORD}</source-password>
    <admin-user>admin</admin-user><admin-password>{PASSWORD}</admin-password>
  </authentication>
  <hostname>localhost</hostname>
  <listen-socket><port>{port}</port><bind-address>127.0.0.1</bind-address></listen-socket>
  <paths>
    <basedir>/usr/share/icecast2</basedir><logdir>{folder}</logdir>
    <webroot>/usr/share/icecast2/web</webroot><adminroot>/usr/share/icecast2/admin</adminroot>
  </paths>
  <logging><accesslog>-</accesslog><errorlog>-</errorlog><loglevel>2</loglevel></logging>
  <security><chroot>0</chroot>{owner}</security>
</icecast>
"""
