"""How alike two encodings of a recording are to the network, and two recordings.

    python -m benchmarks.library_repeats --data ~/gtzan --every 10

Some tracks are written again: as quieter MP3, and as MP3 without the first second.
`genre-edge library --embeddings` hears all. The cosines are those that `genre-edge
report` compares.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from genre_edge.library.whole import read_whole

WAYS = {
    "MP3 of 96 kbit/s, 4 dB quieter": ["-af", "volume=-4dB", "-b:a", "96k"],
    "MP3 that begins 1 s later": ["-af", "atrim=start=1,asetpts=PTS-STARTPTS"],
}
"""What ffmpeg is asked for."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--every", type=int, default=10, metavar="N", help="tracks written again")
    args = parser.parse_args()
    tracks = sorted((args.data / "audio").rglob("*.*"))
    again = tracks[:: args.every]
    with tempfile.TemporaryDirectory() as work:
        for at, track in enumerate(again):
            for number, way in enumerate(WAYS.values()):
                made = Path(work, f"{at}.{number}.mp3")
                command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(track), *way, str(made)]
                subprocess.run(command, check=True)
        output = Path(work, "genres")
        command = [sys.executable, "-m", "genre_edge", "library", str(args.data / "audio"), work]
        subprocess.run([*command, "--output", str(output), "--embeddings"], check=True)
        whole = read_whole(output)
    assert whole.vectors is not None
    units = whole.vectors / np.linalg.norm(whole.vectors, axis=1, keepdims=True)
    at_path = {row["path"]: at for at, row in enumerate(whole.heard)}
    print(f"{len(tracks)} tracks, {len(again)} of them written again")
    for number, name in enumerate(WAYS):
        alike = [
            float(units[at_path[str(track.absolute())]] @ units[at_path[other]])
            for at, track in enumerate(again)
            if (other := str(Path(work, f"{at}.{number}.mp3"))) in at_path
        ]
        low, half = np.quantile(alike, (0.05, 0.5))
        print(f"{name}: least {min(alike):.4f}, 5 % below {low:.4f}, half below {half:.4f}")
    first = [at_path[str(track.absolute())] for track in tracks if str(track.absolute()) in at_path]
    between = (units[first] @ units[first].T)[np.triu_indices(len(first), 1)]
    levels = (0.985, 0.99, 0.995, 0.997, 0.999)
    counts = ", ".join(f"{(between >= level).sum()} from {level}" for level in levels)
    print(f"pairs of different tracks, of {len(between)}: {counts}")


if __name__ == "__main__":
    main()
