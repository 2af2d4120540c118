"""Files in the page: the genre at the playhead, the verdict, several files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.pages import BACKSTOP_MS, VENDOR, open_view, shoot, windows_of
from tests.helpers.waiting import wait_for

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
expect.set_options(timeout=BACKSTOP_MS)


@pytest.fixture(scope="module")
def clip(gtzan: Path, cli, tmp_path_factory) -> tuple[Path, list[dict]]:
    """A real clip of three genres in turn, and what classify says of it."""
    import csv

    import soundfile
    from genre_edge.audio.file_source import read_mono

    chosen: dict[str, Path] = {}
    with (gtzan / "tracks.csv").open() as file:
        for row in csv.DictReader(file):
            if row["split"] == "valid":
                chosen.setdefault(row["genre"], gtzan / row["file"])
    parts = [
        read_mono(chosen[genre], 22050)[: 22050 * 6] for genre in ("classical", "metal", "hiphop")
    ]
    path = tmp_path_factory.mktemp("clip") / "three.flac"
    soundfile.write(path, np.concatenate(parts), 22050)
    found = windows_of(cli, path)
    assert len({record["genre"] for record in found}) >= 2
    return path, found


def classified(page, windows: int) -> None:
    """Wait until the whole file is classified."""
    expect(page.locator("#track-state")).to_contain_text(f"({windows} windows, ")


def play_example(page, server, name: str = "Jazz trio") -> None:
    """Click an example, and wait until it is classified."""
    open_view(page, server, "track")
    page.get_by_role("button", name=name).click()
    classified(page, 7)


def test_an_uploaded_clips_label_follows_the_playhead_also_after_seeking(
    server, page, clip
) -> None:
    path, windows = clip
    open_view(page, server, "track")
    page.locator("#file").set_input_files(path)
    classified(page, len(windows))
    page.evaluate(
        """() => {
          const label = document.getElementById("track-label");
          window.seen = {};
          const look = () => { seen[label.dataset.start] = label.textContent; };
          new MutationObserver(look).observe(label, { attributes: true, childList: true });
        }"""
    )
    page.locator("#play").click()
    wait_for(lambda: page.evaluate("Object.keys(seen).length >= 3"), "the playhead moves")
    page.locator("#play").click()
    seen = {float(start): label for start, label in page.evaluate("seen").items()}
    expected = {w["start"]: w["genre"] for w in windows}
    assert seen == {start: expected[start] for start in seen}
    for window in reversed(windows):
        page.locator("#seek").fill(str(window["start"] + 1.5))
        expect(page.locator("#track-label")).to_have_text(window["genre"])
        expect(page.locator("#track-confidence")).to_contain_text(
            f"{round(window['confidence'] * 100)} %"
        )
    rows = page.locator("#track-table tbody tr")
    assert rows.count() == len({window["genre"] for window in windows}), "what was heard only"
    shares = page.locator("#track-table tbody td:nth-child(3)").all_inner_texts()
    assert sum(int(share.split()[0]) for share in shares) == pytest.approx(100, abs=2)
    assert page.errors == []


def test_a_newcomer_hears_an_example_with_its_genre_two_clicks_after_the_start(
    server, page
) -> None:
    page.goto(server.url)  # the first click
    page.get_by_role("button", name="Jazz trio").click()
    expect(page.locator("#track-label")).to_have_text("jazz")
    expect(page).to_have_title("jazz · genre-edge")
    wait_for(
        lambda: page.evaluate("!audio.paused && audio.currentTime > 0.2"), "it plays by itself"
    )
    assert page.errors == []


def test_a_file_has_a_waveform_in_the_colour_of_its_genre_and_a_spectrogram(server, page) -> None:
    if not VENDOR.is_dir():
        pytest.skip("needs the page's libraries (script/web downloads them)")
    play_example(page, server)
    wait_for(
        lambda: page.locator("#wave").bounding_box()["height"] > 100, "waveform and spectrogram"
    )
    wait_for(lambda: page.evaluate(COUNT_JAZZ) > 100, "the waveform is tinted")
    assert page.evaluate(BRIGHT_TOP) < 0.5, "no band of one colour above the music"
    shoot(page, "track")


BRIGHT_TOP = """() => {
  const shadows = [...document.querySelectorAll("#wave *")].map((e) => e.shadowRoot);
  const canvases = shadows.filter(Boolean).flatMap((s) => [...s.querySelectorAll("canvas")]);
  const tall = canvases.sort((a, b) => b.height - a.height)[0];
  const { data } = tall.getContext("2d").getImageData(0, 0, tall.width, tall.height / 8 | 0);
  let bright = 0;
  for (let at = 0; at < data.length; at += 4) {
    bright += data[at] + data[at + 1] + data[at + 2] > 450;
  }
  return bright / (data.length / 4);
}"""
"""Share of the spectrogram's upper eighth that is bright."""
COUNT_JAZZ = """() => {
  const wave = document.getElementById("wave").firstElementChild.shadowRoot;
  const canvas = wave.querySelector(".progress canvas, .canvases canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let at = 0; at < data.length; at += 4) {
    count += data[at] > 150 && data[at + 1] < 170 && data[at + 2] < 150 && data[at + 3] > 200;
  }
  return count;
}"""
"""Pixels of the waveform that have the reddish brown of jazz, full or pale."""


def test_the_drop_zone_shrinks_when_a_file_is_there(server, page) -> None:
    open_view(page, server, "track")
    before = page.locator("#drop").bounding_box()["height"]
    page.get_by_role("button", name="Metal riff").click()
    classified(page, 7)
    assert page.locator("#drop").bounding_box()["height"] < before / 2


def test_the_ribbon_has_names_and_a_time_axis_and_a_click_seeks(server, page) -> None:
    play_example(page, server)
    page.locator("#play").click()
    expect(page.locator("#track-ribbon .strip i").first).to_have_text("jazz")
    axis = page.locator("#track-ribbon .axis span").all_inner_texts()
    assert (axis[0], axis[-1]) == ("0:00", "0:21")
    strip = page.locator("#track-ribbon .strip")
    box = strip.bounding_box()
    strip.click(position={"x": box["width"] * 2 / 3, "y": 5})
    wait_for(lambda: 13.5 < page.evaluate("audio.currentTime") < 14.5, "the click seeks")


def test_keys_play_seek_and_jump(server, page) -> None:
    play_example(page, server)
    page.locator("#play").click()
    expect(page.locator("#play")).to_have_text("Play")
    page.locator("body").click(position={"x": 5, "y": 400})

    def now() -> float:
        return page.evaluate("audio.currentTime")

    page.keyboard.press("5")
    wait_for(lambda: now() == pytest.approx(10.5, abs=0.1), "the middle")
    page.keyboard.press("ArrowRight")
    wait_for(lambda: now() == pytest.approx(15.5, abs=0.1), "5 s on")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    wait_for(lambda: now() == pytest.approx(5.5, abs=0.1), "10 s back")
    page.keyboard.press(" ")
    expect(page.locator("#play")).to_have_text("Pause")
    page.keyboard.press(" ")
    expect(page.locator("#play")).to_have_text("Play")
    page.locator("#tab-track").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#view-here")).to_be_visible()


def test_the_verdict_is_in_words(server, page) -> None:
    open_view(page, server, "track")
    said = page.evaluate(
        """async () => {
          const { inWords } = await import("./static/verdict.js");
          const say = (scores) => inWords({ genre: Object.keys(scores)[0] ?? null, scores });
          return [say({ jazz: 0.92, rock: 0.05 }), say({ jazz: 0.55, rock: 0.2 }),
                  say({ reggae: 0.33, metal: 0.33, rock: 0.1 }), say({ pop: 0.35, jazz: 0.1 }),
                  say({})];
        }"""
    )
    assert said == [
        "Clearly jazz: 92 %",
        "Mostly jazz: 55 %",
        "Mixed: reggae 33 %, metal 33 %",
        "Mixed: pop 35 %, jazz 10 %",
        "Silence",
    ]


def test_windows_and_verdict_can_be_saved(server, page) -> None:
    play_example(page, server)
    with page.expect_download() as saved:
        page.locator("#track-csv").click()
    assert saved.value.suggested_filename == "jazz-trio.csv"
    lines = Path(saved.value.path()).read_text().splitlines()
    assert lines[0] == "start,end,genre,confidence"
    assert len(lines) == 8
    assert lines[1].startswith("0,3,jazz,0.")
    with page.expect_download() as saved:
        page.locator("#track-json").click()
    found = json.loads(Path(saved.value.path()).read_text())
    assert (found["verdict"]["genre"], len(found["windows"])) == ("jazz", 7)


def test_names_in_a_csv_are_no_formulas(server, page) -> None:
    open_view(page, server, "track")
    made = page.evaluate(
        """async () => (await import("./static/save.js")).csv([["=1+1", -3, 'a"b', "x,y", null]])"""
    )
    assert made == '\'=1+1,-3,"a""b","x,y",\r\n'


def test_several_files_are_a_list_with_verdicts(server, page, write_audio, tmp_path) -> None:
    (tmp_path / "notes.txt").write_text("words")
    quiet = write_audio("quiet.wav", np.zeros(22050 * 6))
    open_view(page, server, "track")
    page.locator("#file").set_input_files([quiet, tmp_path / "notes.txt"])
    files = page.locator("#track-files button")
    expect(files).to_have_count(2)
    expect(files.nth(0)).to_contain_text("Silence")
    expect(files.nth(1)).to_contain_text("cannot be decoded")
    page.get_by_role("button", name="Metal riff").click()
    expect(files.nth(2)).to_contain_text("metal-riff.opus")
    classified(page, 7)
    files.nth(0).click()
    expect(page.locator("#track-state")).to_contain_text("quiet.wav: Silence")
    expect(page.locator("#track-label")).to_have_text("silence")


def test_a_file_that_is_no_audio_is_told_so(server, page, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("words")
    open_view(page, server, "track")
    page.locator("#file").set_input_files(tmp_path / "notes.txt")
    expect(page.locator("#track-state")).to_contain_text("notes.txt: cannot be decoded")


def test_a_silent_file_is_called_silence_without_a_confidence(server, page, write_audio) -> None:
    open_view(page, server, "track")
    page.locator("#file").set_input_files(write_audio("quiet.wav", np.zeros(22050 * 6)))
    expect(page.locator("#track-state")).to_have_text("quiet.wav: Silence (0 windows, 6.0 s)")
    expect(page.locator("#track-label")).to_have_text("silence")
    expect(page.locator("#track-confidence")).to_have_text("from 0:00 to 0:03")
    assert page.errors == []


def test_without_its_libraries_the_page_does_the_rest_and_says_what_it_lacks(server, page) -> None:
    page.route("**/vendor/*", lambda route: route.abort())
    open_view(page, server, "track")
    page.get_by_role("button", name="Jazz trio").click()
    expect(page.locator("#wave")).to_contain_text("No waveform: its library is missing")
    classified(page, 7)
    expect(page.locator("#track-label")).not_to_have_text("–")
