"""The process that hears a microphone for its level alone: JSON lines, ten a second.

PortAudio shares one list of devices among all that use it in a process, and that list
is as old as the first of them. So another process looks for another microphone.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np

from ..audio.mono import to_mono
from ..audio.pcm import from_int16
from ..errors import GenreEdgeError
from ..settings.tables import CaptureConfig
from .meter import LevelMeter
from .portaudio import Session
from .queue import CaptureQueue

_RATE = 22_050
"""The rate that is tried first, Hz."""
_PERIOD_SECONDS = 0.1
"""Time between two lines, s."""
_PATIENCE_SECONDS = 5.0
"""A microphone that sends nothing for so long delivers no audio, s."""


def main() -> int:
    """Hear the microphone that the command line names, until nobody reads any more.
    Returns 1, with a line on standard error, if it cannot be heard."""
    from ..model.workers import die_with_parent

    die_with_parent()
    queue = CaptureQueue(192_000, _PATIENCE_SECONDS)
    try:
        session = Session(CaptureConfig(sys.argv[1] or None), _RATE, queue.put)
    except GenreEdgeError as error:
        print(error, file=sys.stderr)
        return 1
    meter, said = LevelMeter(session.format.rate), 0.0
    try:
        while (chunk := queue.get(_PATIENCE_SECONDS)) is not None:
            pcm = np.frombuffer(chunk.data, "<i2").reshape(-1, session.format.channels)
            meter.add(to_mono(from_int16(pcm)))
            level = meter.level()
            if level is not None and time.monotonic() - said >= _PERIOD_SECONDS:
                said = time.monotonic()
                print(json.dumps({"dbfs": level.dbfs, "state": level.state}), flush=True)
    except BrokenPipeError:
        return 0
    finally:
        session.close()
    print("the device delivers no audio", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
