"""The parts of arm64-check that are not shell: the page's commands, the clips, the
microphone, the comparison, the report."""

from __future__ import annotations

import csv
import json
import re
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import soundfile

from tests.helpers.fakemic import FakeMic

ROOT = Path(__file__).parent.parent
SECONDS, BEGIN = 9, 5
"""Length of each clip, and where in its track it begins, s."""


def steps(page: Path) -> str:
    """The commands under "Install" and "First sound", less sudo."""
    text = page.read_text(encoding="utf-8")
    commands = []
    for title in ("Install", "First sound"):
        section = text.split(f"\n## {title}\n")[1].split("\n## ")[0]
        commands += re.findall(r"```sh\n(.*?)```", section, re.S)
    return "".join(commands).replace("sudo ", "")


def prepare(share: Path, gtzan: Path) -> None:
    """Nine seconds of one valid track a genre, in folders named after the genres."""
    seen = set()
    with (gtzan / "tracks.csv").open() as file:
        for row in csv.DictReader(file):
            if row["split"] == "valid" and row["genre"] not in seen:
                seen.add(row["genre"])
                samples, rate = soundfile.read(gtzan / row["file"])
                folder = share / "clips" / row["genre"]
                folder.mkdir(parents=True)
                soundfile.write(
                    folder / "clip.flac", samples[BEGIN * rate : (BEGIN + SECONDS) * rate], rate
                )


def microphone(share: Path) -> None:
    """A sound server whose default source hears the clips, over and over, until this is
    ended."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    mic = FakeMic(share)
    mic.start()
    try:
        while True:
            for clip in sorted((share / "clips").rglob("*.flac")):
                mic.play(clip).wait()
                mic.processes.clear()
    finally:
        mic.close()


Windows = dict[tuple[str, float], dict[str, Any]]
"""The records of windows, by clip and start."""


def windows(path: Path) -> Windows:
    """The windows of a classify run by clip and start."""
    records = [json.loads(line) for line in path.read_text().splitlines()]
    return {
        (str(Path(r["file"]).parent.name), r["start"]): r for r in records if r["type"] == "window"
    }


def here(share: Path, kind: str) -> Windows:
    """What this machine says of the clips."""
    out = share / f"here.{kind}.jsonl"
    with out.open("w") as file:
        subprocess.run(
            [
                *(sys.executable, "-m", "genre_edge", "classify", str(share / "clips")),
                *("--format", "json", "--model", f"gtzan-edge.{kind}"),
            ],
            stdout=file,
            check=True,
        )
    return windows(out)


def compared(reference: Windows, other: Windows) -> tuple[int, int, float]:
    """(windows, windows with the same label, largest difference of a score)."""
    assert reference.keys() == other.keys()
    same = sum(reference[key]["genre"] == other[key]["genre"] for key in reference)
    worst = max(
        abs(score - other[key]["scores"][label])
        for key in reference
        for label, score in reference[key]["scores"].items()
    )
    return len(reference), same, worst


def costs(folder: Path) -> dict[str, dict[str, Any]]:
    """The cost of a window and of a start, by "int8" and "float32"."""
    models = json.loads((folder / "bench.json").read_text())["models"]
    return {one["name"].rsplit(".", 1)[-1]: one["cost"][0] for one in models}


def row(base: Path, interpreter: str, reference: dict[str, Windows]) -> str:
    """One line of the table."""
    cells = [(base / "system").read_text().strip(), (base / "python").read_text().strip()]
    doctor = json.loads((base / "doctor.json").read_text())
    runtime = (
        "tflite-runtime 2.14"
        if interpreter == "tflite"
        else next(finding["text"] for finding in doctor if finding["name"] == "interpreter")
    )
    cells.append(runtime)
    for kind in ("int8", "float32"):
        count, same, worst = compared(
            reference[kind], windows(base / f"{interpreter}.{kind}.jsonl")
        )
        cells.append(f"{same} of {count}, {worst * 256:.2f} steps")
    cost = costs(base / ("bench" if interpreter == "default" else "bench-tflite"))
    ratio = cost["float32"]["inference_ms"]["median"] / cost["int8"]["inference_ms"]["median"]
    front_end = cost["int8"]["front_end_ms"]["median"] / cost["int8"]["inference_ms"]["median"]
    start = cost["float32"]["load_ms"] / cost["int8"]["load_ms"]
    cells += [f"{ratio:.1f}", f"{front_end:.1f}", f"{start:.1f}"]
    cells.append(
        f"{(base / 'megabytes').read_text().strip()} MB" if interpreter == "default" else ""
    )
    return "| " + " | ".join(cells) + " |"


def told(base: Path) -> list[str]:
    """What the page's last steps printed."""
    doctor = json.loads((base / "doctor.json").read_text())
    checks = Counter(finding["status"] for finding in doctor)
    heard = [json.loads(line) for line in (base / "listen.jsonl").read_text().splitlines()]
    labels = [record["label"] for record in heard if record["type"] == "window"]
    marks = ", ".join(
        f"{checks[status]} {status}" for status in ("ok", "warn", "fail") if checks[status]
    )
    faults = "".join(f"; {f['name']}: {f['text']}" for f in doctor if f["status"] != "ok")
    return [f"doctor: {marks}{faults}", f"microphone, three windows: {', '.join(labels)}"]


def report(cache: Path, share: Path, page: Path) -> None:
    """Put the comparison of every system that has results into the page."""
    reference = {kind: here(share, kind) for kind in ("int8", "float32")}
    rows, notes = [], []
    for base in sorted(cache.glob("*/results")):
        name = base.parent.name
        if not (base / "bench" / "bench.json").is_file():
            log = (base.parent / "steps.log").read_text(errors="replace").strip().splitlines()
            notes.append(f"- {name}: a step failed: `{log[-1]}`")
            continue
        notes += [f"- {name}, {line}" for line in told(base)]
        rows += [
            row(base, interpreter, reference)
            for interpreter in ("default", "tflite")
            if (base / f"{interpreter}.int8.jsonl").is_file()
        ]
    head = [
        f'Made by `script/arm64-check` on {datetime.now(UTC):%Y-%m-%d}. The columns "as here" '
        "count the windows with",
        "the same label as on x86-64, and give the largest difference of a score, in steps of an "
        "int8 score",
        "(1/256). Then come ratios of time: float32 to int8 inference, the front-end to int8 "
        "inference, and",
        "opening the float32 model to opening the int8 model. Last is the size of the environment "
        "on disk.",
        "",
        "| system | Python | interpreter | int8 as here | float32 as here | float32 / int8 | "
        "front-end / int8 "
        "| open float32 / int8 | size |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    text = page.read_text(encoding="utf-8")
    before, rest = text.split("<!-- report -->")
    _, after = rest.split("<!-- end of report -->")
    made = "\n".join([*head, *rows, "", *notes])
    page.write_text(
        f"{before}<!-- report -->\n{made}\n<!-- end of report -->{after}", encoding="utf-8"
    )
    print(made)


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "steps":
        print(steps(Path(rest[0])), end="")
    elif what == "prepare":
        prepare(Path(rest[0]), Path(rest[1]))
    elif what == "microphone":
        microphone(Path(rest[0]))
    else:
        report(Path(rest[0]), Path(rest[1]), Path(rest[2]))
