"""A configuration file made the service's own: checked first, written whole or not at
all, and never over another one unless told."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..files import Rights, write_atomically
from ..settings.elsewhere import check_elsewhere
from ..settings.section import Section
from ..settings.tomlfile import parse_toml
from ..settings.versions import VersionedFile
from ..text_files import read_text
from .systemd_unit import SECRETS

_READABLE = Rights(0o644)
"""The user that systemd makes up for the service must read it. Secrets are in files of
their own."""


def check_config(
    path: Path, sections: Iterable[Section[Any]], root: Path, per_user: bool, later: bool
) -> list[str]:
    """Check a file as the service will see it.

    Parameters
    ----------
    path
        The file.
    sections
        The tables of the sinks, as for `load`.
    root
        The system that it is for: paths in the file begin there.
    per_user
        Whether the service is a user's own, which has no credentials of systemd.
    later
        Whether files that it names may come later.

    Returns
    -------
    list of str
        Files that are not there, and that the service needs.

    Raises
    ------
    UsageError
        With a line for each fault.
    """
    file = parse_toml(path, read_text(path))
    return check_elsewhere(file, sections, root, None if per_user else SECRETS, later)


def put_config(given: Path, target: Path, replace: bool, per_user: bool) -> str:
    """Make a file that was checked the service's configuration.

    Parameters
    ----------
    given
        The file.
    target
        The service's configuration. Where it holds something else, that is kept beside
        it, as `VersionedFile` does; so the page can undo the change.
    replace
        Whether it may hold something else.
    per_user
        Whether it is a user's own, and for nobody else to read.

    Returns
    -------
    str
        What became of the target: "kept", "wrote" or "replaced".

    Raises
    ------
    UsageError
        If it holds something else and may not, or cannot be written.
    """
    text = read_text(given)
    versions = VersionedFile(target)
    if not os.path.lexists(target):
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(target, text, True, Rights(0o600) if per_user else _READABLE)
        except OSError as error:
            raise UsageError(f"{target}: {error.strerror or error}") from None
        return "wrote"
    if versions.text() == text:
        return "kept"
    if not replace:
        raise UsageError(
            f"{target}: holds another configuration; --replace puts {given} in its place and keeps "
            "it beside"
        )
    versions.replace(text, versions.version)
    return "replaced"
