"""Every error that a user can cause or meet, in one tree.

    GenreEdgeError            exit code 1
     ├─ UsageError            exit code 2: command line or configuration is wrong
     ├─ AudioError            a file or stream that cannot be decoded
     ├─ ModelError
     │   ├─ BundleError       not a bundle, cut short, or changed since it was written
     │   └─ RuntimeMissing    no interpreter that can run the model is installed
     └─ DeviceError           the microphone
         ├─ DeviceBusyError   in use by another program; it may be let go
         └─ DeviceChoiceError what was asked for is not there, and waiting cannot help

The message is the one line shown to the user: it names the thing and says what to do
about it.
"""

from __future__ import annotations


class GenreEdgeError(Exception):
    """Base of all expected errors; `exit_code` is what the command leaves with."""

    exit_code = 1


class UsageError(GenreEdgeError):
    """The request itself is wrong, whatever the data."""

    exit_code = 2


class AudioError(GenreEdgeError):
    """Audio that cannot be read: `AudioError(name, reason)` reads "name: reason"."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason

    def __reduce__(self) -> tuple[type[AudioError], tuple[str, str]]:
        """Rebuild from both arguments when it comes back from a worker process."""
        return AudioError, (self.name, self.reason)


class ModelError(GenreEdgeError):
    """A model that cannot be used."""


class BundleError(ModelError):
    """A file that is not a whole, unchanged bundle."""


class RuntimeMissing(ModelError):
    """The interpreter asked for is not installed."""


class DeviceError(GenreEdgeError):
    """A capture device that cannot be found, opened or kept."""


class DeviceBusyError(DeviceError):
    """The device is in use by another program."""


class DeviceChoiceError(DeviceError):
    """The devices that are there cannot be what was asked for, however long one
    waits."""
