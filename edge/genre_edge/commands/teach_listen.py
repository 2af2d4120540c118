"""What `genre-edge teach add --listen` hears: a source for some seconds."""

from __future__ import annotations

import argparse
from dataclasses import replace

from ..console import complain
from ..errors import Fault, UsageError
from ..model.bundle import Bundle
from ..service.program import ListeningProgram
from ..service.systemd_notify import Notifier
from ..settings.options import given
from ..settings.reader import SettingsReader
from ..settings.settings import Settings
from ..settings.signed import SignedSettings, signed_file
from ..settings.tables import LISTEN, MODEL
from ..sinks import kinds
from ..teach.listening import Recalled, RememberingEngine
from .listen import StateSink, run_until_stopped, source_flags

_LONGEST_SECONDS = 600.0


def hear(args: argparse.Namespace, base: Bundle) -> Recalled:
    """What is heard.

    Parameters
    ----------
    args
        The command line: --listen, the microphone's flags, --source, --config.
    base
        The model that is taught.

    Raises
    ------
    UsageError
        If the settings are wrong, or nothing but silence was heard.
    DeviceError
        If listening is impossible.
    """
    if not 3 <= args.listen <= _LONGEST_SECONDS:
        reason = f"must be between 3 and {_LONGEST_SECONDS:g} s"
        raise UsageError(Fault("listen", args.listen, reason))
    settings = _settings(args, base)
    engine = RememberingEngine(settings.model)
    program = ListeningProgram(
        lambda: settings, lambda _: StateSink(), print, Notifier(), args.verbose, lambda _: engine
    )
    run_until_stopped(program)
    return engine.last(2 * _LONGEST_SECONDS)


def _settings(args: argparse.Namespace, base: Bundle) -> Settings:
    """What is listened to; records go nowhere."""
    flags = {"microphone": given(args, "microphone"), **source_flags(args)}
    signed = SignedSettings(signed_file(), complain)
    found = SettingsReader(kinds.sections(), args.config, flags, signed=signed)()
    kept = {"microphone", "source", LISTEN.name}
    settings = Settings({name: one for name, one in found.tables.items() if name in kept})
    listen = replace(settings.listen, duration=args.listen, windows=None)
    model = replace(settings.model, model=base.path, runtime=args.runtime)
    return settings.replaced(LISTEN, listen).replaced(MODEL, model)
