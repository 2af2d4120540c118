"""Many files: in order, on several processes, and standard input among them."""

from __future__ import annotations

import io
import json

import soundfile

from tests.conftest import noise


def test_standard_input_is_heard_among_files_on_several_processes(cli, demo_clip) -> None:
    wav = io.BytesIO()
    soundfile.write(wav, noise(4.0), 22050, format="WAV")
    options = ("--format", "json", "--jobs", 2)
    result = cli("classify", demo_clip, "-", demo_clip, *options, input=wav.getvalue())
    assert result.returncode == 0, result.stderr
    records = [json.loads(line) for line in result.stdout.splitlines()]
    verdicts = [(r["file"], r["windows"]) for r in records if r["type"] == "file"]
    assert verdicts == [(str(demo_clip), 4), ("-", 1), (str(demo_clip), 4)]
