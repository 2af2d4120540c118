"""Where the configuration file is, and where the program keeps its data."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from .credentials import CREDENTIALS_VARIABLE

PREFIX = "GENRE_EDGE_"
"""Environment variables are PREFIX + SECTION + "_" + KEY, in capitals."""
CONFIG_VARIABLE = PREFIX + "CONFIG"
"""Environment variable that names the configuration file."""
SYSTEM_FILE = Path("/etc/genre-edge.toml")
"""The configuration of the whole system."""
NO_HOME = Path("/nonexistent")
"""The home of a user who has none, such as one that systemd made up."""


def expanded(text: str) -> Path:
    """A path with ~ replaced by the user's home, and $CREDENTIALS_DIRECTORY by the
    folder of the secrets that systemd has loaded."""
    folder = os.environ.get(CREDENTIALS_VARIABLE)
    if folder and text.startswith(f"${CREDENTIALS_VARIABLE}/"):
        return Path(folder) / text.partition("/")[2]
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text.replace("~", str(NO_HOME), 1))


def default_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder for the program's data: systemd's state directory, or
    $XDG_STATE_HOME/genre-edge."""
    given = environment.get("STATE_DIRECTORY", "").split(":")[0]
    if given:
        return Path(given)
    return expanded(environment.get("XDG_STATE_HOME") or "~/.local/state") / "genre-edge"


def models_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder of the user's own bundles, which are used by name."""
    return default_folder(environment) / "models"


def own_models() -> dict[str, str]:
    """The bundles in the user's models folder: {name: path}.

    "mine.int8.tflite" goes by "mine.int8" and by "mine".
    """
    found: dict[str, str] = {}
    try:
        paths = sorted(models_folder().glob("*.tflite"))
    except OSError:  # a home that this user may not enter has no models for it
        paths = []
    for path in paths:
        name = path.name.removesuffix(".tflite")
        found.setdefault(name.split(".")[0], str(path))
        found[name] = str(path)
    return found


def config_home(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder where the user's programs keep their configurations."""
    return expanded(environment.get("XDG_CONFIG_HOME") or "~/.config")


def user_file(environment: Mapping[str, str] = os.environ) -> Path:
    """The user's configuration file."""
    return config_home(environment) / "genre-edge/config.toml"


def find_file(given: Path | None, environment: Mapping[str, str] = os.environ) -> Path | None:
    """Find the configuration file.

    Parameters
    ----------
    given : Path or None
        The file that the user named on the command line.
    environment : mapping of str to str
        The environment variables.

    Returns
    -------
    Path or None
        `given`, else the file that CONFIG_VARIABLE names, else the user's file, else
        the system's. The first two need not exist. None if there is no file.
    """
    if given is not None:
        return given
    if environment.get(CONFIG_VARIABLE):
        return Path(environment[CONFIG_VARIABLE])
    # Not Path.is_file: it raises where a folder may not be entered.
    places = (user_file(environment), SYSTEM_FILE)
    return next((path for path in places if os.path.isfile(path)), None)
