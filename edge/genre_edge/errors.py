"""Every error that a user can cause or meet, in one tree.

    GenreEdgeError            exit code 1
     ├─ UsageError            exit code 2: a parameter or the configuration is wrong
     ├─ AudioError            a file, stream or array that cannot be used as audio
     ├─ ModelError
     │   ├─ BundleError       not a bundle, cut short, or changed since it was written
     │   └─ RuntimeMissing    exit code 2: an interpreter or an optional part is missing
     ├─ UpdateError           an update that is not taken
     └─ DeviceError           the microphone
         ├─ DeviceBusyError   in use by another program; it may be released
         └─ DeviceChoiceError what was asked for is not there, and waiting cannot help

The message is the one line shown to the user: it names the thing and the remedy. An
error about a parameter is made from a `Fault`, so that the command line can name its
flag instead:

>>> str(UsageError(Fault("threads", 0, "must be at least 1")))
'threads 0: must be at least 1'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace


def os_reason(error: OSError) -> str:
    """What the system says of a file or device, as a part of a sentence.

    Examples
    --------
    >>> os_reason(FileNotFoundError(2, "No such file or directory"))
    'no such file or directory'
    """
    return (error.strerror or str(error)).lower()


@dataclass(frozen=True)
class Fault:
    """What is wrong with the value of one parameter."""

    parameter: str
    """Name of the parameter, as in Python and in the configuration file."""
    value: object
    """The value as it was given; "" where it would say nothing (an array, say)."""
    reason: str
    """What is wrong and what to do about it."""

    def __str__(self) -> str:
        value = f"{self.value:g}" if isinstance(self.value, float) else str(self.value)
        return f"{self.parameter} {value}".rstrip() + f": {self.reason}"


class GenreEdgeError(Exception):
    """Base of all expected errors.

    Parameters
    ----------
    *about : str or Fault
        The message, or what is wrong with each parameter.
    """

    exit_code = 1
    """What a command leaves with after this error."""

    def __init__(self, *about: str | Fault) -> None:
        super().__init__(*about)

    def __str__(self) -> str:
        return "; ".join(str(part) for part in self.args)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What is wrong with single parameters; empty for other errors."""
        return tuple(part for part in self.args if isinstance(part, Fault))

    def rename(self, names: Mapping[str, str]) -> None:
        """Replace the parameters' names that are keys of `names`, by flags say."""
        self.args = tuple(
            replace(part, parameter=names.get(part.parameter, part.parameter))
            if isinstance(part, Fault)
            else part
            for part in self.args
        )


class UsageError(GenreEdgeError):
    """The request itself is wrong, whatever the data."""

    exit_code = 2


class AudioError(GenreEdgeError):
    """Audio that cannot be used: `AudioError(name, reason)` reads "name: reason"."""

    def __init__(self, name: str, reason: str) -> None:
        in_one_line = name.replace("\n", "\\n")
        super().__init__(f"{in_one_line}: {reason}")
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
    """The interpreter asked for, or another optional part, is not installed."""

    exit_code = 2


class UpdateError(GenreEdgeError):
    """An update that is not taken: not signed, not for this device, or no good."""


class DeviceError(GenreEdgeError):
    """A capture device that cannot be found, opened or kept."""


class DeviceBusyError(DeviceError):
    """The device is in use by another program."""


class DeviceChoiceError(DeviceError):
    """What was asked for is not among the devices, and waiting does not change that."""
