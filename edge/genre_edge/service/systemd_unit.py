"""The text of the systemd unit that keeps the program running."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..settings.credentials import NO_CREDENTIAL

NAME = "genre-edge.service"
SECRETS = Path("/etc/genre-edge.secrets")
"""The folder of the files that systemd gives the service as credentials."""
WATCHDOG_SECONDS = 30
"""systemd restarts the service after this long without a heartbeat. A window, and with
it a heartbeat, comes at least every 3 s."""


@dataclass(frozen=True)
class Unit:
    """What differs between installations."""

    command: tuple[str, ...]
    """The program, by its absolute path, and its arguments."""
    config: Path
    """The configuration file."""
    user: str | None
    """Who runs it; None for a user that systemd creates for it (DynamicUser)."""
    per_user: bool
    """Whether it belongs to the user's own service manager (systemctl --user), which
    can isolate less."""


_COMMON = """\
# Written by genre-edge service install.
[Unit]
Description=genre-edge: recognises the genre of the music that is playing
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
TimeoutStopSec=60
StateDirectory=genre-edge
StateDirectoryMode=0750
# For secrets such as GENRE_EDGE_MQTT_PASSWORD=...; make it readable by root only.
EnvironmentFile=-/etc/genre-edge.env
Environment=PYTHONUNBUFFERED=1
Nice=-5
MemoryMax=400M
# An upload's process that takes too much memory ends alone.
OOMPolicy=continue
TasksMax=1024
LimitCORE=0
NoNewPrivileges=yes
UMask=0027
"""

_ISOLATION = """\
# Secrets in files that root alone can read; they need not exist.
LoadCredential=mqtt-password:{secrets}/mqtt-password
SetCredential=mqtt-password:{none}
LoadCredential=web-token:{secrets}/web-token
SetCredential=web-token:{none}
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
ProcSubset=pid
PrivateUsers=yes
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
# An upload's process lowers its own priority and limits its own memory.
SystemCallFilter=setpriority setrlimit prlimit64
SystemCallErrorNumber=EPERM
"""


def unit_text(unit: Unit) -> str:
    """Write the unit file.

    Everything is isolated except what the program needs: sound devices, the network and
    its state directory.

    Parameters
    ----------
    unit
        What differs between installations.

    Returns
    -------
    str
        The content of genre-edge.service.

    Examples
    --------
    >>> unit = Unit(("/usr/bin/genre-edge",), Path("/etc/genre-edge.toml"), None, False)
    >>> "ExecStart=/usr/bin/genre-edge --config /etc/genre-edge.toml" in unit_text(unit)
    True
    """
    command = " ".join(_quoted(word) for word in (*unit.command, "--config", str(unit.config)))
    text = _COMMON.format(command=command, watchdog=WATCHDOG_SECONDS)
    if unit.per_user:
        text = text.replace("After=sound.target network.target\n", "").replace("Nice=-5\n", "")
        return f"{text}\n[Install]\nWantedBy=default.target\n"
    if unit.user is None:
        account = "DynamicUser=yes\nProtectHome=yes\n"
    else:
        # The program may be installed in this user's home, which must stay readable.
        account = f"User={unit.user}\nProtectHome=read-only\n"
    isolation = _ISOLATION.format(secrets=SECRETS, none=NO_CREDENTIAL)
    return f"{text}{account}{isolation}\n[Install]\nWantedBy=multi-user.target\n"


def _quoted(word: str) -> str:
    """Quote a word of ExecStart; % and $ are doubled to stand for themselves
    (systemd.service(5))."""
    word = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{word}"' if " " in word or "'" in word else word
