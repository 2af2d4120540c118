"""The folder of a fleet: what each device gets, and what the broker gets.

devices/NAME/genre-edge.toml    the device's configuration
devices/NAME/mqtt-password      its password, for its owner alone
services/USER/mqtt-password     passwords of programs that serve the whole fleet
mosquitto/passwords             hashes of all passwords, for the broker
mosquitto/acl                   who may read and write which topics
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import UsageError
from ..files import Rights as FileRights
from ..files import write_atomically
from ..sinks.mqtt.home_assistant import nodes_of
from ..text_files import MOST_SECRET_BYTES, read_text
from .device_file import DeviceFile, read_device
from .passwords import PasswordFile, new_password
from .rights import SERVICES, device_rights, service_rights, sources_before, with_rights

CONFIG, PASSWORD = "genre-edge.toml", "mqtt-password"
"""The files of a device."""
_MOST_BYTES = 64 << 20
"""Most that a file for the broker may have: 100 000 devices."""
_SECRET, _PRIVATE_FOLDER = FileRights(0o600), 0o700


@dataclass
class Done:
    """What became of a run, as users of the broker."""

    new: list[str] = field(default_factory=list)
    """Devices that were not there."""
    renewed: list[str] = field(default_factory=list)
    """Devices whose configuration is another now."""
    differ: list[str] = field(default_factory=list)
    """Devices whose configuration is another than it would be, and was kept."""
    revoked: list[str] = field(default_factory=list)
    """Devices that are let in no more."""
    changed: list[Path] = field(default_factory=list)
    """Files that were written or removed."""
    devices: int = 0
    """How many devices there are."""


class FleetFolder:
    """The folder of one fleet."""

    def __init__(self, path: Path) -> None:
        """Look at what is there; nothing is made.

        Parameters
        ----------
        path
            The folder; it need not be there.

        Raises
        ------
        UsageError
            If something in it cannot be read, or is faulty.
        """
        self._path = path
        self._passwords_path = path / "mosquitto" / "passwords"
        self._rights_path = path / "mosquitto" / "acl"
        self._passwords = PasswordFile(_text(self._passwords_path), self._passwords_path)
        self._rights = _text(self._rights_path)
        self.devices = {user: self._read(user) for user in self._users()}
        """{user: configuration} of the devices that are there."""

    def config_of(self, user: str) -> Path:
        """Where a device's configuration is."""
        return self._path / "devices" / user / CONFIG

    def _users(self) -> list[str]:
        try:
            return sorted(path.parent.name for path in self._path.glob(f"devices/*/{CONFIG}"))
        except OSError as error:
            raise UsageError(f"{self._path}: {error.strerror or error}") from None

    def _read(self, user: str) -> DeviceFile:
        found = read_device(read_text(self.config_of(user)), self.config_of(user))
        if found.config.user != user:
            raise UsageError(
                f"{self.config_of(user)}: mqtt.url must have the user {user}, as its folder"
            )
        return found

    def change(self, wanted: dict[str, DeviceFile], revoked: Iterable[str], replace: bool) -> Done:
        """Add devices, or take them away, and write what follows from it. Passwords
        that are there stay.

        Parameters
        ----------
        wanted
            {user: configuration} of devices that are to be there.
        revoked
            Users of devices that are to be let in no more.
        replace
            Whether a configuration that is there and differs is written anew.

        Raises
        ------
        UsageError
            If devices get in each other's way, or a file cannot be written.
        """
        done = Done()
        for user in revoked:
            if user not in self.devices and user not in self._passwords:
                raise UsageError(f"--revoke {user}: there is no such device in {self._path}")
            self.devices.pop(user, None)
            self._passwords.remove(user)
            done.revoked.append(user)
        for user, device in wanted.items():
            there = self.devices.get(user)
            if there is None:
                done.new.append(user)
            elif there.text != device.text:
                (done.renewed if replace else done.differ).append(user)
                if not replace:
                    continue
            self.devices[user] = device
        _check_apart(self.devices)
        done.devices = len(self.devices)
        rights = self._all_rights()
        try:
            self._write(done, rights)
        except OSError as error:
            raise UsageError(f"{error.filename or self._path}: {error.strerror}") from None
        return done

    def _all_rights(self) -> str:
        found = {}
        for user, device in sorted(self.devices.items()):
            before = sources_before(self._rights, user, device.config)
            found[user] = device_rights(device.config, _together(device.sources, before))
        prefixes = sorted({device.config.prefix for device in self.devices.values()})
        return with_rights(self._rights, found | service_rights(prefixes), self._rights_path)

    def _write(self, done: Done, rights: str) -> None:
        """Each file whole; devices before the broker, so that a run that was stopped
        can be made again."""
        if not self._path.exists():
            self._path.mkdir(mode=_PRIVATE_FOLDER, parents=True)
        for user, device in self.devices.items():
            self._put_password(self._path / "devices" / user / PASSWORD, user, done)
            self._put(self.config_of(user), device.text, done)
        for user in SERVICES:
            self._put_password(self._path / "services" / user / PASSWORD, user, done)
        self._put(self._passwords_path, self._passwords.text, done)
        self._put(self._rights_path, rights, done)
        for user in done.revoked:
            self._remove(user, done)

    def _put_password(self, path: Path, user: str, done: Done) -> None:
        """A password for a user who has none. One whose hash is there may be on the
        device alone."""
        if path.exists():
            password = read_text(path, most=MOST_SECRET_BYTES).strip()
            if not password:
                raise UsageError(f"{path}: is empty; remove it, and a new one is made")
            self._passwords.put(user, password)
        elif user not in self._passwords:
            password = new_password()
            self._put(path, f"{password}\n", done)
            self._passwords.put(user, password)

    def _put(self, path: Path, text: str, done: Done) -> None:
        if path.exists() and _text(path) == text:
            return
        for folder in (path.parent.parent, path.parent):
            folder.mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)
        write_atomically(path, text, durable=True, rights=_SECRET)
        done.changed.append(path)

    def _remove(self, user: str, done: Done) -> None:
        folder = self._path / "devices" / user
        for name in (CONFIG, PASSWORD):
            if (folder / name).exists():
                (folder / name).unlink()
                done.changed.append(folder / name)
        with suppress(OSError):  # something else is in it, or it was never there
            os.rmdir(folder)


def _check_apart(devices: dict[str, DeviceFile]) -> None:
    """UsageError if a device could write another's topics, or its entities in Home
    Assistant."""
    bases = {device.config.base: user for user, device in devices.items()}
    nodes: dict[str, str] = {}
    for user, device in devices.items():
        levels = device.config.base.split("/")
        for count in range(1, len(levels)):
            other = bases.get("/".join(levels[:count]))
            if other is not None:
                raise UsageError(f"device {user}: its topics lie below those of {other}")
        own = nodes_of(device.config, device.sources)
        for node in (device.config.base.replace("/", "_"), *own):
            if nodes.setdefault(node, user) != user:
                raise UsageError(
                    f"device {user}: is {node} in Home Assistant, as a part of {nodes[node]} is; "
                    "choose another name"
                )


def _together(sources: Iterable[str], before: Iterable[str]) -> list[str]:
    """Sources, and those that there once were: each once, by its topic."""
    from ..settings.source_table import topic_of

    return list(dict.fromkeys([topic_of(one) for one in [*sources, *before]]))


def _text(path: Path) -> str:
    """What a file holds; empty if it is not there. UsageError."""
    return read_text(path, most=_MOST_BYTES) if path.exists() else ""
