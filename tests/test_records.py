"""The contracts of what the program prints, frozen in golden files."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from genre_edge.records import FileRecord, GapRecord, StateRecord, WindowRecord
from genre_edge.sinks.csv_table import CsvSink
from genre_edge.sinks.file_lines import TextSink, clock
from genre_edge.sinks.json_lines import JsonlSink
from genre_edge.sinks.live_lines import LiveTextSink
from genre_edge.terminal import bar

from tests.helpers.windows import live

GOLDEN = Path(__file__).parent / "golden"
NAME = "a b/ü.mp3"
WINDOW = WindowRecord(NAME, 0.0, 3.0, "jazz", 0.83, {"blues": 0.17, "jazz": 0.83})
VERDICT = FileRecord(NAME, 30.0, 10, "jazz", 0.79, {"blues": 0.21, "jazz": 0.79})


def written(sink_of, *records) -> str:
    out = io.StringIO()
    sink = sink_of(out)
    for record in records:
        sink.write(record)
    sink.close()
    return out.getvalue()


def test_json_lines() -> None:
    assert written(JsonlSink, WINDOW, VERDICT) == (GOLDEN / "classify.jsonl").read_text()


def test_live_json_lines() -> None:
    """Of a microphone without a name first, then of a source with one."""
    time = "2026-03-01T12:00:00.000Z"
    records = [
        record
        for name in ("", "bar")
        for record in (
            StateRecord(time, "listening", "signal OK", name or None),
            live(0, "jazz", name),
            live(1, "silence", name),
            GapRecord(time, 6.0, 7.5, name or None),
        )
    ]
    assert written(JsonlSink, *records) == (GOLDEN / "listen.jsonl").read_text()


def test_live_lines_name_the_source_that_has_a_name() -> None:
    gap = GapRecord("2026-03-01T12:00:06.000Z", 6.0, 7.5, "bar")
    assert written(LiveTextSink, live(0, "jazz"), live(0, "jazz", "bar"), gap).splitlines() == [
        "2026-03-01T12:00:00.000Z jazz 0.80 -20.5 dBFS",
        "2026-03-01T12:00:00.000Z bar jazz 0.80 -20.5 dBFS",
        "2026-03-01T12:00:06.000Z  bar          gap of 1.5 s",
    ]


def test_every_name_of_a_file_is_a_cell_of_the_table() -> None:
    names = ["a\udcff.wav", "a\rb.wav", "a\nb.wav", 'a,"b".wav', "\r\n"]
    records = [FileRecord(name, 30.0, 10, "jazz", 0.79, {"jazz": 0.79}) for name in names]
    text = written(lambda out: CsvSink(out, ["jazz"]), *records)
    assert text.encode("utf-8").count(b"\r\n") == 1  # that of the last name
    _, *rows = csv.reader(io.StringIO(text, newline=""))
    assert [row[1] for row in rows] == ["a\\udcff.wav", *names[1:]]


def test_text() -> None:
    others = (
        WindowRecord(NAME, 3.0, 6.5, "hiphop", 0.07, {}),
        WindowRecord(NAME, 3600.0, 3603.0, "classical", 1.0, {}),
    )
    assert written(TextSink, WINDOW, *others, VERDICT) == (GOLDEN / "classify.txt").read_text()


def test_csv() -> None:
    rows = written(lambda out: CsvSink(out, ["blues", "jazz"]), WINDOW, VERDICT).splitlines()
    assert rows == [
        "type,file,start,end,windows,genre,confidence,blues,jazz",
        f"window,{NAME},0.0,3.0,1,jazz,0.83,0.17,0.83",
        f"file,{NAME},0.0,30.0,10,jazz,0.79,0.21,0.79",
    ]


def test_bar_is_filled_in_eighths() -> None:
    assert bar(0.0, 4) == "    "
    assert bar(1.0, 4) == "████"
    assert bar(0.5, 1) == "▌"
    assert len(bar(0.123, 20)) == 20


def test_clock() -> None:
    assert [clock(s) for s in (0, 59.99, 60, 3.25, 3661)] == [
        "0:00",
        "1:00",
        "1:00",
        "0:03.2",
        "1:01:01",
    ]
