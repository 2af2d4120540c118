"""genre-edge serve in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path


class WebServer:
    """Running until `stop`; `url` is where it is, `said` the lines it wrote."""

    def __init__(
        self, folder: Path, *arguments: object, environment: Mapping[str, str] | None = None
    ) -> None:
        command = [sys.executable, "-m", "genre_edge", "serve", "--port", "0", *map(str, arguments)]
        home = {"XDG_STATE_HOME": str(folder / "state"), "XDG_CONFIG_HOME": str(folder / "config")}
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **(environment or {}), **home},
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.url = self._wait_for_url()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line.rstrip())

    def _wait_for_url(self) -> str:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.process.poll() is None:
            for line in list(self.said):
                found = re.search(r"serving (http://\S+)", line)
                if found:
                    return found.group(1)
            time.sleep(0.02)
        raise AssertionError(self.said)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=20)
        self._reader.join()
        assert self.process.stderr is not None
        self.process.stderr.close()
        return status
