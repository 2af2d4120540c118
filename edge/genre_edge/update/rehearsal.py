"""A model that came as an update hears a known clip, in a process that may crash."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict, dataclass

from ..demo import clip_path
from ..errors import GenreEdgeError, UpdateError
from ..model.trial import REFUSED, limit_child, run_child
from ..python_child import python_child
from ..settings.tables import EngineConfig

_SECONDS = 180
"""Longest time for the clip, s; loading the model and a first run are in it."""
_MOST_LOAD = 0.5
"""Most processor time that a second of audio may take, on each thread, s. Listening
needs the rest for other work, and for a warmer day."""
_NICE = 10
"""The child leaves the processor to the program that listens."""


@dataclass(frozen=True)
class Heard:
    """What came of the clip."""

    name: str
    """Of the model."""
    windows: int
    """Windows that got an answer."""
    are_numbers: bool
    """Whether every score is a finite number."""
    load: float
    """Processor time for a second of audio, s."""


def rehearse(config: EngineConfig) -> Heard:
    """Have a model hear the demo clip, as the program would hear it.

    Parameters
    ----------
    config : EngineConfig
        The model and all that it is run with.

    Raises
    ------
    UpdateError
        Why the model is no good.
    GenreEdgeError
        If no child could be made.
    """
    command = python_child(__name__)
    given = json.dumps(asdict(config)).encode()
    trouble, said = run_child(command, given, _SECONDS)
    if trouble:
        raise UpdateError(f"on trial, the model's process {trouble}")
    try:
        heard = Heard(**json.loads(said))
    except (ValueError, TypeError):
        raise UpdateError("on trial, the model's process said nothing that can be read") from None
    if not heard.windows:
        raise UpdateError("on trial, the model gave no answer to a clip of music")
    if not heard.are_numbers:
        raise UpdateError("on trial, the model gave scores that are no numbers")
    if heard.load > _MOST_LOAD * config.threads:
        raise UpdateError(
            f"on trial, a second of audio took {heard.load:.2g} s: the model is too slow for this "
            "device"
        )
    return heard


def _hear(config: EngineConfig) -> Heard:
    """What the child does."""
    import numpy as np

    from ..audio.file_source import FileSource
    from ..model.engine import Engine
    from ..model.windows import windows_of

    engine = Engine(config)
    source = FileSource(clip_path())
    stream = engine.stream(source.sample_rate)
    before, windows, are_numbers = time.process_time(), 0, True
    for window in windows_of(source, stream):
        scores = engine.classifier.scores(window.features)
        windows += 1
        are_numbers &= bool(np.isfinite(scores).all())
    load = (time.process_time() - before) / stream.seconds
    return Heard(engine.bundle.info.name, windows, are_numbers, load)


def _run() -> int:
    os.nice(_NICE)
    limit_child(_SECONDS)
    values = json.load(sys.stdin)
    values["trusted_keys"] = tuple(values["trusted_keys"])
    try:
        heard = _hear(EngineConfig(**values))
    except GenreEdgeError as error:
        # What is quoted of it is short, and a path may be long.
        print(str(error).removeprefix(f"{values['model']}: "), flush=True)
        return REFUSED
    print(json.dumps(asdict(heard)), flush=True)
    return 0


if __name__ == "__main__":
    status = _run()
    os._exit(status)  # not through the interpreter's destructors
