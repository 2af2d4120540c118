"""A microphone that needs no sound card: a PulseAudio null sink whose monitor is an
ALSA device.

Play something into it and PyAudio hears it, in real time, through PortAudio and ALSA.
Killing the PulseAudio is pulling the plug; starting it again is plugging it back in.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import soundfile

_ASOUNDRC = """\
pcm.fakemic {{
    type pulse
    server "unix:{socket}"
    device "fake.monitor"
    hint {{ show on  description "fake microphone" }}
}}
ctl.fakemic {{ type pulse  server "unix:{socket}" }}
pcm.!default {{ type pulse  server "unix:{socket}"  device "fake.monitor" }}
"""


def installed() -> bool:
    """Whether the programs it needs are here."""
    return bool(shutil.which("pulseaudio") and shutil.which("paplay"))


class FakeMic:
    """A home folder with its own ALSA configuration, and a PulseAudio that can be
    killed."""

    def __init__(self, home: Path, rate: int = 48_000) -> None:
        self.home, self.rate = home, rate
        self.socket = home / "pulse.sock"
        (home / "run").mkdir(mode=0o700)
        (home / "client.conf").write_text("autospawn = no\nenable-shm = no\n")
        (home / ".asoundrc").write_text(_ASOUNDRC.format(socket=self.socket))
        self.environment = {
            **os.environ,
            "HOME": str(home),
            "XDG_RUNTIME_DIR": str(home / "run"),
            "PULSE_CLIENTCONFIG": str(home / "client.conf"),
            "PULSE_SERVER": f"unix:{self.socket}",
        }
        self._daemon: subprocess.Popen[bytes] | None = None
        self.processes: list[subprocess.Popen[bytes]] = []
        """What was started here and must not outlive the test."""

    def start(self) -> None:
        """Plug it in; returns when it can be heard."""
        self.socket.unlink(missing_ok=True)
        self._daemon = subprocess.Popen(
            [
                *(
                    "pulseaudio",
                    "-n",
                    "--daemonize=no",
                    "--exit-idle-time=-1",
                    "--use-pid-file=no",
                    "--disable-shm=yes",
                ),
                *("-L", f"module-native-protocol-unix auth-anonymous=1 socket={self.socket}"),
                *("-L", f"module-null-sink sink_name=fake rate={self.rate} channels=2"),
            ],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + 60
        while time.monotonic() < end:
            shown = subprocess.run(["pactl", "info"], env=self.environment, capture_output=True)
            if shown.returncode == 0:
                return
            time.sleep(0.05)
        raise RuntimeError("PulseAudio did not start")

    def kill(self) -> None:
        """Pull the plug."""
        assert self._daemon is not None
        self._daemon.send_signal(signal.SIGKILL)
        self._daemon.wait()
        self._daemon = None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the sound server, if it runs."""
        if self._daemon is not None:
            self._daemon.send_signal(number)

    def play(self, path: Path) -> subprocess.Popen[bytes]:
        """Start playing a file into it, in real time."""
        player = subprocess.Popen(["paplay", "--device=fake", str(path)], env=self.environment)
        self.processes.append(player)
        return player

    def play_samples(self, samples: np.ndarray, rate: int) -> subprocess.Popen[bytes]:
        """Start playing float samples, mono [n] or [n, channels]."""
        path = self.home / "play.wav"
        soundfile.write(path, samples, rate)
        return self.play(path)

    def close(self) -> None:
        """Leave nothing running and nothing open."""
        for process in self.processes:
            process.kill()
            process.wait()
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
        if self._daemon is not None:
            self.kill()
