"""The static demo in a real browser: it must name what `genre-edge classify` names,
with nothing but a server of files."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from genre_edge.audio.file_source import read_mono

from tests.conftest import ROOT, noise
from tests.helpers.waiting import BACKSTOP_SECONDS
from tests.web.conftest import CHROMIUM, CHROMIUM_ARGUMENTS

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
expect.set_options(timeout=BACKSTOP_SECONDS * 1000)

AXE = ROOT / ".cache" / "axe" / "axe.min.js"
SHOTS = ROOT / ".cache" / "screenshots"
TOLERANCE = 0.06
"""Of a score: an int8 network's input may fall to the neighbouring step."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (ROOT / ".cache" / "litert").is_dir(), reason="needs LiteRT (script/web with-litert)"
    ),
]


class FileServer:
    """`python -m http.server` of a folder."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"]
        self._process = subprocess.Popen(
            [*command, "--directory", str(folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        found = re.search(r"port (\d+)", self._process.stdout.readline())
        assert found
        self.url = f"http://127.0.0.1:{found[1]}"

    def stop(self) -> None:
        self._process.terminate()
        self._process.communicate(timeout=BACKSTOP_SECONDS)


def make(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "script" / "static_demo.py", folder, *arguments]
    return subprocess.run([str(word) for word in command], capture_output=True, text=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "public"
    done = make(path)
    assert done.returncode == 0, done.stderr
    return path


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[str]:
    server = FileServer(folder)
    yield server.url
    server.stop()


@pytest.fixture(scope="module")
def page(browser, site: str) -> Iterator:
    """The page with its model loaded; it notes where it sends requests."""
    context = browser.new_context(viewport={"width": 900, "height": 1300})
    context.set_default_timeout(BACKSTOP_SECONDS * 1000)
    opened = context.new_page()
    opened.asked = []
    opened.on("request", lambda request: opened.asked.append(request.url))
    opened.goto(site)
    expect(opened.locator("#listen")).to_be_enabled()
    yield opened
    context.close()


RECORDS = """async () => {
  const { ready } = await import("./main.js");
  const { decode } = await import("./recording.js");
  const { classify } = await import("./windows.js");
  const records = [];
  const recording = await decode(document.getElementById("file").files[0]);
  for await (const record of classify(await ready, recording)) records.push(record);
  return records;
}"""


def by_the_page(page, path: Path) -> list[dict]:
    """The records of a file as the page's own functions make them."""
    page.locator("#file").set_input_files(path)
    return page.evaluate(RECORDS)


def by_classify(cli, path: Path) -> list[dict]:
    done = cli("classify", path, "--format", "json")
    return [json.loads(line) for line in done.stdout.splitlines()]


def as_stereo(mono: np.ndarray) -> np.ndarray:
    return np.stack([mono, 0.5 * mono], axis=1)


def in_opposite_phase(mono: np.ndarray) -> np.ndarray:
    return np.stack([mono, -mono], axis=1)


def then_silent(mono: np.ndarray) -> np.ndarray:
    return np.concatenate([mono[: len(mono) // 2], np.zeros(len(mono) // 2, np.float32)])


@pytest.mark.parametrize(
    ("change", "rate"),
    [
        pytest.param(lambda mono: mono, 22050, id="the clip"),
        pytest.param(as_stereo, 44100, id="stereo"),
        pytest.param(lambda mono: mono, 16000, id="16 kHz"),
        pytest.param(lambda mono: mono, 48000, id="48 kHz"),
        pytest.param(in_opposite_phase, 44100, id="opposite phase"),
        pytest.param(then_silent, 44100, id="half of it silent"),
        pytest.param(lambda mono: mono[:30000], 22050, id="shorter than a window"),
    ],
)
def test_every_window_is_named_as_classify_names_it(
    page, cli, demo_clip: Path, tmp_path: Path, change: Callable, rate: int
) -> None:
    path = tmp_path / "clip.wav"
    soundfile.write(path, change(read_mono(demo_clip, rate)), rate, subtype="FLOAT")
    expected, found = by_classify(cli, path), by_the_page(page, path)
    assert [r["type"] for r in found] == [r["type"] for r in expected]
    for one, other in zip(found, expected, strict=True):
        assert one["genre"] == other["genre"]
        assert one["scores"] == pytest.approx(other["scores"], abs=TOLERANCE)
        if one["type"] == "window":
            assert one["start"] == pytest.approx(other["start"], abs=1e-3)
            assert one["end"] == pytest.approx(other["end"], abs=1e-3)


def test_real_clips_too(page, cli, gtzan: Path) -> None:
    for genre in ("classical", "hiphop", "metal"):
        path = next(gtzan.rglob(f"{genre}*.flac"))
        expected, found = by_classify(cli, path), by_the_page(page, path)
        assert [r["genre"] for r in found] == [r["genre"] for r in expected]


@pytest.mark.parametrize("rates", [(44100, 16000), (48000, 22050), (22050, 16000), (16000, 22050)])
def test_resampling_is_soxrs(page, rates: tuple[int, int]) -> None:
    """On noise that has nothing above 0.9 of the lower rate's half."""
    given, wanted = rates
    lower = min(rates)
    band = soxr.resample(soxr.resample(noise(1.0, given), given, 0.9 * lower), 0.9 * lower, given)
    band = band[:given].astype(np.float32)
    found = page.evaluate(
        """async ([samples, from, to]) => {
          const { Resampler } = await import("./resample.js");
          const all = new Resampler(Float32Array.from(samples), from, to);
          return [...all.slice(0, all.length)];
        }""",
        [band.tolist(), given, wanted],
    )
    expected = soxr.resample(band, given, wanted, quality="HQ")
    assert len(found) == pytest.approx(len(expected), abs=1)
    inside = slice(wanted // 10, -wanted // 10)
    error = np.asarray(found)[: len(expected)][inside] - expected[: len(found)][inside]
    assert np.sqrt(np.mean(error**2)) < 1e-3 * np.sqrt(np.mean(expected**2))


def test_the_demo_clip_is_named_at_one_click_and_nothing_is_sent(page, cli, site: str) -> None:
    *windows, verdict = by_classify(cli, ROOT / "edge" / "genre_edge" / "demo" / "demo.flac")
    page.locator("#demo").click()
    expect(page.locator("#track-state")).to_contain_text("demo.flac: 4 windows, ")
    expect(page.locator("#label")).to_have_text(verdict["genre"])
    expect(page.locator("#confidence")).to_contain_text("in the whole file, 0:12")
    page.get_by_text("Every window").click()
    rows = page.locator("#windows tbody tr")
    expect(rows).to_have_count(4)
    for number, window in enumerate(windows):
        expect(rows.nth(number)).to_contain_text(window["genre"])
    page.locator("#audio").evaluate("audio => { audio.currentTime = 7.5; }")
    expect(page.locator("#label")).to_have_text(windows[2]["genre"])
    expect(page.locator("#confidence")).to_contain_text("from 0:06 to 0:09")
    assert [url for url in page.asked if not url.startswith((site, f"blob:{site}"))] == []
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / "static-demo.png", full_page=True)


DROP = """async ([name, bytes]) => {
  const held = new DataTransfer();
  held.items.add(new File([Uint8Array.from(bytes)], name));
  const drop = document.getElementById("drop");
  const options = { dataTransfer: held, cancelable: true, bubbles: true };
  for (const type of ["dragover", "drop"]) drop.dispatchEvent(new DragEvent(type, options));
}"""


def test_a_file_that_is_dropped_is_named_as_classify_names_it(
    page, cli, demo_clip: Path, tmp_path: Path
) -> None:
    path = tmp_path / "second half.wav"
    soundfile.write(path, read_mono(demo_clip, 16000)[6 * 16000 :], 16000)
    verdict = by_classify(cli, path)[-1]
    page.evaluate(DROP, [path.name, list(path.read_bytes())])
    expect(page.locator("#track-state")).to_contain_text("second half.wav: 2 windows, ")
    expect(page.locator("#label")).to_have_text(verdict["genre"])


def test_what_is_no_audio_is_one_line(page, tmp_path: Path) -> None:
    for name, content, reason in (
        ("notes.txt", b"do re mi", "this browser cannot decode it"),
        ("nothing.wav", b"", "is empty"),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        page.locator("#file").set_input_files(path)
        expect(page.locator("#track-state")).to_contain_text(f"{name}")
        expect(page.locator("#track-state")).to_contain_text(reason)


def test_the_page_says_how_right_the_model_is(page, folder: Path) -> None:
    facts = json.loads((folder / "model.json").read_text())
    windows = facts["valid"]["windows"]
    share = f"{round(windows['accuracy'] * 100)} % of {windows['count']} windows"
    expect(page.locator("#accuracy")).to_contain_text(share)
    expect(page.locator("#labels")).to_have_text(", ".join(facts["labels"]))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(browser, site: str, scheme: str) -> None:
    if not AXE.is_file():
        pytest.skip("needs axe-core (script/setup fetches it with npm)")
    context = browser.new_context(color_scheme=scheme, reduced_motion="reduce", bypass_csp=True)
    context.set_default_timeout(BACKSTOP_SECONDS * 1000)
    page = context.new_page()
    page.goto(site)
    page.locator("#demo").click()
    expect(page.locator("#track-state")).to_contain_text(" windows, ")
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run()")
    serious = [v for v in found["violations"] if v["impact"] in ("serious", "critical")]
    assert [(v["id"], v["nodes"][0]["html"], v["help"]) for v in serious] == []
    context.close()


def test_without_its_server_the_page_still_works(browser, folder: Path) -> None:
    """The second visit needs no network at all."""
    server = FileServer(folder)
    context = browser.new_context()
    context.set_default_timeout(BACKSTOP_SECONDS * 1000)
    page = context.new_page()
    page.goto(server.url)
    expect(page.locator("#listen")).to_be_enabled()
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    server.stop()
    page.goto(server.url)
    page.locator("#demo").click()
    expect(page.locator("#track-state")).to_contain_text("demo.flac: 4 windows, ")
    context.close()


def test_the_microphone_hears_the_clip(
    browser, site: str, cli, demo_clip: Path, tmp_path: Path
) -> None:
    """Chromium plays a file into its microphone, over and over; where a window begins
    is chance."""
    path = tmp_path / "clip.wav"
    half = read_mono(demo_clip, 48000)[6 * 48000 :]
    soundfile.write(path, np.tile(half, 10), 48000, subtype="PCM_16")
    done = cli("classify", path, "--format", "json", "--hop", "0.25")
    records = map(json.loads, done.stdout.splitlines())
    genres = {record["genre"] for record in records}
    listening = browser.browser_type.launch(
        executable_path=CHROMIUM,
        args=[*CHROMIUM_ARGUMENTS, f"--use-file-for-fake-audio-capture={path}"],
    )
    page = listening.new_page()
    page.goto(site)
    page.locator("#listen").click()
    expect(page.locator("#confidence")).to_contain_text(" % in the last 3 s")
    assert page.locator("#confidence").inner_text().split()[0] in genres
    page.locator("#listen").click()
    expect(page.locator("#listen-state")).to_have_text("Stopped")
    listening.close()


def test_a_folder_that_is_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "diary.txt").write_text("mine")
    done = make(tmp_path)
    assert done.returncode == 2
    assert "is something else: name a new folder" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["diary.txt"]
