"""The systemd unit that keeps the program running, as text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

NAME = "genre-edge.service"
WATCHDOG_SECONDS = 30
"""Without a sign of life for this long systemd restarts the service; windows come every
3 s at least."""


@dataclass(frozen=True)
class Unit:
    """What differs between installations."""

    command: tuple[str, ...]
    """The program and its arguments, absolute."""
    config: Path
    """The configuration file."""
    user: str | None
    """Who runs it; None: a user that systemd makes up for it (DynamicUser)."""
    per_user: bool
    """A unit of the user's own service manager (systemctl --user), which can isolate
    less."""


_HEAD = """\
# Written by genre-edge service install.
[Unit]
Description=genre-edge: what kind of music is playing
Documentation=man:systemd.service(5)
After=sound.target network.target
StartLimitIntervalSec=600
StartLimitBurst=20

[Service]
Type=notify
NotifyAccess=main
ExecStart={command}
ExecReload=/bin/sh -c 'kill -HUP $MAINPID'
Restart=always
RestartSec=5
WatchdogSec={watchdog}
TimeoutStartSec=90
TimeoutStopSec=30
StateDirectory=genre-edge
StateDirectoryMode=0750
# Secrets: GENRE_EDGE_MQTT_PASSWORD=... in a file that root alone can read.
EnvironmentFile=-/etc/genre-edge.env
Environment=PYTHONUNBUFFERED=1
Nice=-5
MemoryMax=400M
NoNewPrivileges=yes
UMask=0027
"""

_ISOLATION = """\
SupplementaryGroups=audio
ProtectSystem=strict
PrivateTmp=yes
ProtectControlGroups=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
ProcSubset=all
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
LockPersonality=yes
RemoveIPC=yes
DevicePolicy=closed
DeviceAllow=char-alsa rw
CapabilityBoundingSet=
AmbientCapabilities=
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
"""


def unit_text(unit: Unit) -> str:
    """The unit file. What is not isolated is what the program needs: sound devices, the
    network, its state directory."""
    words = " ".join(_quoted(word) for word in (*unit.command, "--config", str(unit.config)))
    text = _HEAD.format(command=words, watchdog=WATCHDOG_SECONDS)
    if unit.per_user:
        text = text.replace("After=sound.target network.target\n", "").replace("Nice=-5\n", "")
        return f"{text}\n[Install]\nWantedBy=default.target\n"
    # A program in a user's home must stay readable: it is run by that user.
    home = (
        "DynamicUser=yes\nProtectHome=yes\n"
        if unit.user is None
        else f"User={unit.user}\nProtectHome=read-only\n"
    )
    return f"{text}{home}{_ISOLATION}\n[Install]\nWantedBy=multi-user.target\n"


def _quoted(word: str) -> str:
    """A word of ExecStart (systemd.service(5)): % and $ stand for themselves when
    doubled."""
    word = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{word}"' if " " in word or "'" in word else word
