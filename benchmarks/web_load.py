"""Does the service's microphone lose audio while many watch and upload? And what does a
slow viewer do?

    python -m benchmarks.web_load --seconds 60

A real capture path (PulseAudio), genre-edge serve --live, live viewers that read, some
that do not, and uploads without pause.
"""

from __future__ import annotations

import argparse
import re
import socket
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import requests
from genre_edge.demo import clip_path

from tests.conftest import noise
from tests.helpers.fakemic import FakeMic
from tests.helpers.webserver import WebServer


class Load:
    """Everybody at once."""

    def __init__(self, url: str) -> None:
        self.url, self.end = url, threading.Event()
        self.events: list[int] = []
        self.latest: list[float] = []
        self.answers: list[int] = []
        self._threads: list[threading.Thread] = []

    def viewer(self) -> None:
        """Reads events as they come."""
        number = len(self.events)
        self.events.append(0)
        with requests.get(f"{self.url}/api/live", stream=True, timeout=30) as answer:
            for line in answer.iter_lines():
                self.events[number] += line.startswith(b"event:")
                if self.end.is_set():
                    return

    def deaf(self) -> None:
        """Asks for events and never reads one."""
        address = urlsplit(self.url)
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect((address.hostname, address.port))
            client.sendall(f"GET /api/live HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
            self.end.wait()

    def uploader(self) -> None:
        """One upload after the other."""
        body = clip_path().read_bytes()
        while not self.end.is_set():
            start = time.monotonic()
            answer = requests.post(f"{self.url}/api/classify", data=body, timeout=60)
            self.answers.append(answer.status_code)
            self.latest.append(time.monotonic() - start)

    def start(self, viewers: int, deaf: int, uploads: int) -> None:
        """Let them loose."""
        for who, count in ((self.viewer, viewers), (self.deaf, deaf), (self.uploader, uploads)):
            self._threads += [threading.Thread(target=who, daemon=True) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let them finish what they are at."""
        self.end.set()
        for thread in self._threads:
            thread.join(timeout=60)


def metric(url: str, name: str) -> float:
    """One of the service's counters."""
    found = re.search(
        rf"(?m)^genre_edge_{name} (\S+)$", requests.get(f"{url}/metrics", timeout=30).text
    )
    return float(found[1]) if found else float("nan")


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description="The web under load.")
    parser.add_argument("--seconds", type=float, default=60.0, help="default: %(default)g")
    parser.add_argument("--viewers", type=int, default=20, help="default: %(default)s")
    parser.add_argument(
        "--deaf", type=int, default=2, help="viewers that never read (default: %(default)s)"
    )
    parser.add_argument("--uploads", type=int, default=4, help="default: %(default)s")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        mic = FakeMic(Path(folder))
        mic.start()
        mic.play_samples(noise(args.seconds + 30, 44_100), 44_100)
        server = WebServer(Path(folder), "--live", environment=mic.environment)
        while metric(server.url, "windows_total") < 2:
            time.sleep(0.5)
        load = Load(server.url)
        load.start(args.viewers, args.deaf, args.uploads)
        before, start = metric(server.url, "windows_total"), time.monotonic()
        time.sleep(args.seconds)
        heard, taken = metric(server.url, "windows_total") - before, time.monotonic() - start
        print(
            f"{args.viewers} viewers, {args.deaf} that never read, {args.uploads} uploads without "
            f"pause, {taken:.0f} s"
        )
        print(f"windows heard: {heard:.0f} ({taken / 3:.0f} are due)")
        for name in (
            "dropped_audio_seconds_total",
            "gaps_total",
            "driver_overflows_total",
            "viewers",
            "viewers_cut_total",
        ):
            print(f"{name}: {metric(server.url, name):g}")
        print(f"events a viewer: {min(load.events)} to {max(load.events)}")
        print(
            f"uploads answered: {len(load.answers)} with {sorted(set(load.answers))}, median "
            f"{np.median(load.latest):.1f} s"
        )
        load.stop()
        server.stop()
        mic.close()


if __name__ == "__main__":
    main()
