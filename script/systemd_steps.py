"""What systemd-check does in the booted system; leaves with 1 at the first step that
fails."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import noise
from tests.helpers.fakemic import FakeMic

_ASOUND = """\
pcm.!default { type pulse server "unix:/srv/mic/pulse.sock" device "fake.monitor" }
ctl.!default { type pulse server "unix:/srv/mic/pulse.sock" }
"""


class Booted:
    """A system that systemd has booted in a container."""

    def __init__(self, root: Path, sound: Path) -> None:
        self._container = subprocess.Popen(
            [
                *(
                    "systemd-nspawn",
                    "--quiet",
                    "--register=no",
                    "--keep-unit",
                    "--boot",
                    "--console=pipe",
                ),
                *("-D", str(root), f"--bind={sound}:/srv/mic"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._first = self._init()
        self.until("systemctl is-system-running | grep -q 'running\\|degraded'", 60)

    def _init(self) -> int:
        """The process id, here, of its systemd."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            children = Path(
                f"/proc/{self._container.pid}/task/{self._container.pid}/children"
            ).read_text()
            for child in children.split():
                if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                    return int(child)
            time.sleep(0.2)
        raise SystemExit("systemd did not start")

    def run(self, command: str) -> tuple[int, str]:
        """A command inside: its status and what it printed."""
        path = "PATH=/opt/genre-edge/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        done = subprocess.run(
            [
                "nsenter",
                "-t",
                str(self._first),
                "-m",
                "-u",
                "-i",
                "-n",
                "-p",
                "-C",
                "env",
                path,
                "sh",
                "-c",
                command,
            ],
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout + done.stderr

    def until(self, command: str, seconds: float) -> float:
        """Wait until a command inside succeeds; how long it took. Ends the program if
        it does not."""
        start = time.monotonic()
        while self.run(command)[0] != 0:
            if time.monotonic() - start > seconds:
                print(self.run("journalctl -u genre-edge --no-pager | tail -20")[1])
                raise SystemExit(f"FAIL not within {seconds:g} s: {command}")
            time.sleep(0.5)
        return time.monotonic() - start

    def close(self) -> None:
        """Switch it off."""
        self._container.terminate()
        self._container.wait(timeout=60)


def steps(system: Booted) -> None:
    """From install to uninstall."""
    show = "systemctl show genre-edge --value -p"
    log = "journalctl -u genre-edge --no-pager"
    print(system.run("rm -f /etc/genre-edge.toml; genre-edge service install")[1].strip())
    print(
        "ready (first window) after "
        f"{system.until(f'{show} ActiveState | grep -qx active', 60):.0f} s"
    )
    system.until(f'{log} -o json | grep -q \'"GENRE_EDGE_STATE":"listening"\'', 10)
    print("the journal has the state as a field")
    for change, said in (
        ("0", "the configuration stays as it was"),
        ("5", "the configuration was read again"),
    ):
        system.run(
            f"sed -i 's/^.*smooth = .*/smooth = {change}/' /etc/genre-edge.toml; systemctl reload "
            "genre-edge"
        )
        system.until(f"{log} | grep -q '{said}'", 15)
        print(f"reloaded with smooth = {change}: {said}")
    system.until(
        "test -s /var/lib/genre-edge/history.db && genre-edge history "
        "/var/lib/genre-edge/history.db",
        60,
    )
    print("the history is there")
    system.run(f"kill -STOP $({show} MainPID)")
    frozen = system.until(f"{show} NRestarts | grep -qx 1", 90)
    again = system.until(f"{show} ActiveState | grep -qx active", 60)
    print(f"frozen: restarted by the watchdog after {frozen:.0f} s, ready {again:.0f} s later")
    print(_group_opens_devices(system))
    print(system.run("systemd-analyze security --no-pager genre-edge | tail -n 1")[1].strip())
    print(system.run("genre-edge service uninstall")[1].strip().splitlines()[0])


def _group_opens_devices(system: Booted) -> str:
    """Whether a device of group audio, as the sound devices are, can be opened in a
    user namespace that does not know this group. Ends the program if it cannot."""
    system.run("rm -f /dev/as-sound; mknod /dev/as-sound c 1 5; chown root:audio /dev/as-sound")
    system.run("chmod 0660 /dev/as-sound")
    like_the_unit = "systemd-run --wait --pipe -q -p DynamicUser=yes -p PrivateUsers=yes"
    like_the_unit += " -p DevicePolicy=closed -p 'DeviceAllow=/dev/as-sound rw'"
    read = "head -c 1 /dev/as-sound"
    status, said = system.run(f"{like_the_unit} -p SupplementaryGroups=audio {read}")
    if status != 0:
        raise SystemExit(f"FAIL group audio opens no device with PrivateUsers: {said}")
    if system.run(f"{like_the_unit} {read}")[0] == 0:
        raise SystemExit("FAIL the device can be opened without its group")
    return "group audio opens devices with PrivateUsers, and nobody else does"


@contextmanager
def booted_with_microphone(root: Path) -> Iterator[Booted]:
    """The system in a folder, booted, with a microphone that hears noise; it is
    switched off when the block ends."""
    (root / "etc/asound.conf").write_text(_ASOUND)
    (root / "etc/genre-edge.env").write_text("PULSE_SERVER=unix:/srv/mic/pulse.sock\n")
    sound = Path(tempfile.mkdtemp())
    os.chmod(sound, 0o755)  # the service's own user must reach the socket
    mic = FakeMic(sound)
    mic.start()
    os.chmod(mic.socket, 0o777)
    mic.play_samples(noise(600.0, 44_100), 44_100)
    system = Booted(root, sound)
    try:
        yield system
    finally:
        system.close()
        mic.close()
        shutil.rmtree(sound, ignore_errors=True)


def main() -> None:
    """Boot, go through the steps, switch off."""
    with booted_with_microphone(Path(sys.argv[1])) as system:
        steps(system)


if __name__ == "__main__":
    main()
