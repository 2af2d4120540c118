"""A folder of files by this program, by librosa's log-mel, by YAMNet and by musicnn.

    python -m benchmarks.library_peers \\
        --yamnet yamnet.tflite --musicnn musicnn.tflite ~/some-mp3s

Each way decodes the same files, one after the other. Prints the processor's time for
the folder without the start, in seconds: the fastest of several rounds, in which the
ways take turns.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import librosa
import numpy as np
import soundfile
import soxr
from ai_edge_litert.interpreter import Interpreter
from genre_edge.arrays import Float32
from genre_edge.audio.file_source import FileSource
from genre_edge.model.engine import Engine
from genre_edge.settings.tables import EngineConfig

YAMNET_RATE, YAMNET_WINDOW, YAMNET_HOP = 16_000, 15_600, 7_680
"""Hz, samples, samples: 0.975 s every 0.48 s, as YAMNet's own program does it."""
MUSICNN_RATE, MUSICNN_FRAMES = 16_000, 187
"""Hz, frames of 256 samples: 3 s, one patch after the other, as musicnn's own program
does it."""

Way = Callable[[str], object]


def ours() -> Way:
    """Decode, mix, resample, log-mel and the default model."""
    engine = Engine(EngineConfig())

    def listen(path: str) -> object:
        with closing(FileSource(path)) as source:
            return list(engine.classify(source))

    return listen


def by_librosa() -> Way:
    """`librosa.load` as it is (mono, 22 050 Hz) and the log-mel; no network."""

    def listen(path: str) -> object:
        samples, rate = librosa.load(path)
        return librosa.power_to_db(librosa.feature.melspectrogram(y=samples, sr=rate))

    return listen


def network(model: Path) -> Callable[[Float32], Float32]:
    """A TFLite file as a function of one window."""
    interpreter = Interpreter(str(model), num_threads=1)
    interpreter.allocate_tensors()
    taken, given = interpreter.get_input_details()[0], interpreter.get_output_details()[0]

    def answer(window: Float32) -> Float32:
        interpreter.set_tensor(taken["index"], window.reshape(taken["shape"]))
        interpreter.invoke()
        found: Float32 = interpreter.get_tensor(given["index"])
        return found

    return answer


def by_yamnet(model: Path) -> Way:
    """libsndfile, the mean of the channels, soxr, YAMNet with its front-end in it."""
    answer = network(model)

    def listen(path: str) -> object:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        mono = soxr.resample(samples.mean(axis=1), rate, YAMNET_RATE)
        starts = range(0, len(mono) - YAMNET_WINDOW + 1, YAMNET_HOP)
        return [answer(mono[start : start + YAMNET_WINDOW]) for start in starts]

    return listen


def by_musicnn(model: Path) -> Way:
    """`librosa.load`, musicnn's log-mel by librosa, musicnn in LiteRT."""
    answer = network(model)

    def listen(path: str) -> object:
        samples, rate = librosa.load(path, sr=MUSICNN_RATE)
        mel = librosa.feature.melspectrogram(
            y=samples, sr=rate, n_fft=512, hop_length=256, n_mels=96
        )
        rows = np.log10(1 + 10_000 * mel.T).astype(np.float32)
        starts = range(0, len(rows) - MUSICNN_FRAMES + 1, MUSICNN_FRAMES)
        return [answer(rows[start : start + MUSICNN_FRAMES]) for start in starts]

    return listen


def main() -> None:
    """Measure each way."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", help="of audio files")
    parser.add_argument("--yamnet", type=Path, required=True, metavar="FILE", help="as TFLite")
    parser.add_argument("--musicnn", type=Path, required=True, metavar="FILE", help="as TFLite")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    args = parser.parse_args()
    paths = sorted(map(str, Path(args.folder).expanduser().iterdir()))
    ways = {
        "genre-edge classify": ours(),
        "librosa.load and its log-mel": by_librosa(),
        "YAMNet": by_yamnet(args.yamnet),
        "musicnn": by_musicnn(args.musicnn),
    }
    for way in ways.values():
        way(paths[0])  # what is loaded at the first use is part of the start
    fastest = dict.fromkeys(ways, float("inf"))
    for _ in range(args.rounds):
        for name, way in ways.items():
            begin = time.process_time()
            for path in paths:
                way(path)
            fastest[name] = min(fastest[name], time.process_time() - begin)
    for name, seconds in fastest.items():
        print(f"{seconds:6.2f} s  {name}")


if __name__ == "__main__":
    main()
