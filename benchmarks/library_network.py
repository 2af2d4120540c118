"""A library heard by several hosts, one of which is cut off the network meanwhile.

    sudo env PATH="$PATH" python -m benchmarks.library_network --hosts 3 --files 120

Each host is a network namespace of Linux with an address of its own, joined by a
bridge. The first runs Dask's scheduler and the command, the others a worker each. When
some files have been heard, the cable of the last is pulled. Every file must have one
row in the end.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import soundfile

PORT = 8786
RATE = 22050


def ip(*arguments: str) -> None:
    """Run ip(8)."""
    subprocess.run(["ip", *arguments], check=True)


@contextmanager
def network(hosts: int) -> Iterator[list[str]]:
    """Namespaces on one bridge, 10.99.0.1 and up; yields their names."""
    names = [f"genre{number}" for number in range(hosts)]
    with ExitStack() as stack:
        ip("netns", "add", "genre-net")
        stack.callback(ip, "netns", "del", "genre-net")
        inside = ("-n", "genre-net", "link")
        ip(*inside, "add", "bridge", "type", "bridge")
        ip(*inside, "set", "bridge", "up")
        for number, name in enumerate(names):
            ip("netns", "add", name)
            stack.callback(ip, "netns", "del", name)
            ip(*inside, "add", f"port{number}", "type", "veth", "peer", "eth0", "netns", name)
            ip(*inside, "set", f"port{number}", "master", "bridge", "up")
            ip("-n", name, "addr", "add", f"10.99.0.{number + 1}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                ip("-n", name, "link", "set", device, "up")
        yield names


@contextmanager
def on(host: str, *command: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program on a host."""
    whole = ["ip", "netns", "exec", host, sys.executable, "-m", *command]
    with subprocess.Popen(whole, env=os.environ | environment) as program:
        try:
            yield program
        finally:
            program.kill()


def lines(folder: Path) -> list[dict[str, object]]:
    """The rows that are there."""
    parts = folder.glob("part-*.jsonl")
    return [json.loads(line) for part in parts for line in part.read_text().splitlines()]


def main() -> None:
    """Run it and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hosts", type=int, default=3, help="hosts with a worker")
    parser.add_argument("--files", type=int, default=120)
    parser.add_argument("--ttl", default="15 s", help="when Dask gives up a silent worker")
    args = parser.parse_args()
    settings = {"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": args.ttl}
    settings["DASK_LOGGING__DISTRIBUTED"] = "critical"
    with tempfile.TemporaryDirectory() as work, ExitStack() as stack:
        music, output = Path(work, "music"), Path(work, "genres")
        music.mkdir()
        samples = np.random.default_rng(0).normal(0, 0.1, RATE * 60)
        soundfile.write(Path(work, "a.wav"), samples, RATE)
        for number in range(args.files):
            os.link(Path(work, "a.wav"), music / f"{number:04}.wav")
        names = stack.enter_context(network(args.hosts + 1))
        scheduler = f"tcp://10.99.0.1:{PORT}"
        host = ("--host", "10.99.0.1", "--port", str(PORT), "--no-dashboard")
        stack.enter_context(on(names[0], "distributed.cli.dask_scheduler", *host, **settings))
        for number, name in enumerate(names[1:], 2):
            address = ("--host", f"10.99.0.{number}", "--nthreads", "1", "--no-dashboard")
            worker = ("distributed.cli.dask_worker", scheduler, *address)
            stack.enter_context(on(name, *worker, **settings))
        command = ["genre_edge", "library", str(music), "--output", str(output)]
        command += ["--format", "jsonl", "--part-files", "10", "--windows-per-track", "all"]
        command += ["--scheduler", scheduler]
        start = time.monotonic()
        with on(names[0], *command) as program:
            while not lines(output):
                time.sleep(0.1)
            ip("-n", "genre-net", "link", "set", f"port{args.hosts}", "down")
            print(f"{names[-1]} is cut off after {len(lines(output))} of {args.files} files")
            status = program.wait()
        print(f"status {status} after {time.monotonic() - start:.0f} s")
        rows = Counter(str(row["path"]) for row in lines(output))
        errors = sum(row["error"] is not None for row in lines(output))
        print(f"{len(rows)} files have a row, {errors} an error, {max(rows.values())} row a file")
        with on(names[0], *command) as program:
            print(f"once more: status {program.wait()}")


if __name__ == "__main__":
    main()
