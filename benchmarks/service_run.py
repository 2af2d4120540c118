"""A long run of the service with a microphone, a broker and the notify stand-in: is it
steady, is it restarted when frozen?

    python -m benchmarks.service_run --minutes 30

Needs what the tests need (PulseAudio, Mosquitto). At a third of the time the service is
frozen (SIGSTOP), at half the microphone is pulled three times, at two thirds the
configuration is reloaded, faulty first.
"""

from __future__ import annotations

import argparse
import signal
import tempfile
import time
from pathlib import Path

import numpy as np
from genre_edge.demo import clip_path
from genre_edge.service.systemd_unit import WATCHDOG_SECONDS

from tests.helpers.broker import Broker, Subscriber
from tests.helpers.fakemic import FakeMic
from tests.helpers.supervisor import Supervisor, service_command


class Run:
    """All parts, and what is done to them."""

    def __init__(self, folder: Path) -> None:
        (folder / "mic").mkdir()
        self.mic = FakeMic(folder / "mic")
        self.mic.start()
        self.player = self.mic.play(clip_path())
        self.broker = Broker(folder / "broker")
        self.broker.start()
        self.witness = Subscriber(self.broker.port)
        self.config = folder / "genre-edge.toml"
        self.valid = f'[mqtt]\nurl = "mqtt://127.0.0.1:{self.broker.port}"\nname = "shelf"\n'
        self.config.write_text(self.valid)
        environment = {**self.mic.environment, "STATE_DIRECTORY": str(folder / "state")}
        self.supervisor = Supervisor(
            service_command(self.config), environment, folder, WATCHDOG_SECONDS
        )

    def freeze(self) -> str:
        """The watchdog must notice."""
        ready = len(self.supervisor.said("READY=1"))
        start = time.monotonic()
        self.supervisor.process.send_signal(signal.SIGSTOP)
        self.supervisor.wait_for("READY=1", ready + 1, 3 * WATCHDOG_SECONDS)
        return f"frozen; killed, started and ready again after {time.monotonic() - start:.0f} s"

    def pull(self) -> str:
        """The microphone goes and comes, three times."""
        for _ in range(3):
            back = len(self.supervisor.said("STATUS=listening"))
            self.mic.kill()
            time.sleep(5)
            self.mic.start()
            self.supervisor.wait_for("STATUS=listening", back + 1)
        return "microphone pulled for 5 s, three times; found again each time"

    def reload(self) -> str:
        """A faulty file, then a good one."""
        for text in ("[listen]\nsmooth = 0\n", self.valid + "[listen]\nsmooth = 5\n"):
            ready = len(self.supervisor.said("READY=1"))
            self.config.write_text(text)
            self.supervisor.reload()
            self.supervisor.wait_for("READY=1", ready + 1)
        return "reloaded twice, with a faulty file first"

    def play_on(self) -> None:
        """The clip, over and over."""
        if self.player.poll() is not None:
            self.player = self.mic.play(clip_path())

    def close(self) -> None:
        """Stop everything."""
        print(f"left with status {self.supervisor.stop()}")
        self.witness.close()
        self.broker.stop()
        self.mic.close()


def steady(run: Run, minutes: float) -> None:
    """Watch, and do something to it now and then."""
    start = time.monotonic()
    due = [(minutes / 3, run.freeze), (minutes / 2, run.pull), (minutes * 2 / 3, run.reload)]
    next_row = 1.0
    run.supervisor.wait_for("READY=1")
    print(f"ready after {run.supervisor.said('READY=1')[0] - start:.1f} s (the first window)\n")
    print(
        "| minute | resident memory | threads | open files | windows at the broker "
        "|\n|---|---|---|---|---|"
    )
    events = []
    while (now := (time.monotonic() - start) / 60) < minutes:
        run.play_on()
        if due and now >= due[0][0]:
            events.append(f"- minute {now:.0f}: {due.pop(0)[1]()}")
            continue
        if now >= next_row:
            shown = run.supervisor.status()
            cells = [
                f"{now:.0f}",
                f"{shown['kilobytes'] / 1000:.1f} MB",
                shown["threads"],
                shown["files"],
            ]
            print(
                "| " + " | ".join(map(str, [*cells, len(run.witness.windows())])) + " |", flush=True
            )
            next_row += minutes / 10
        time.sleep(0.2)
    print("\n" + "\n".join(events))
    fed = run.supervisor.said("WATCHDOG=1")
    pauses = np.diff(fed)
    print(
        f"- {len(fed)} heartbeats, median distance {np.median(pauses):.1f} s, largest apart "
        "from the freeze "
        f"{np.sort(pauses)[-1 - run.supervisor.restarts]:.1f} s; {run.supervisor.restarts} "
        "restarts by the watchdog"
    )


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description="A long run of the service.")
    parser.add_argument("--minutes", type=float, default=30.0, help="default: %(default)g")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder))
        try:
            steady(run, args.minutes)
        finally:
            print(f"- log of the service: {len(run.supervisor.log.read_text().splitlines())} lines")
            run.close()


if __name__ == "__main__":
    main()
