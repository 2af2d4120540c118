"""The colours of the labels can be told apart by everybody, and be written on."""

from __future__ import annotations

import itertools
import json
import re

import numpy as np
import pytest
from genre_edge import colours

from tests.helpers.pages import STATIC

SOURCE = (STATIC / "colours.js").read_text()
COLOURS = dict(re.findall(r"(\w+): \"#([0-9a-f]{6})\"", SOURCE))

# Machado, Oliveira and Fernandes (2009), severity 1: what is left of linear RGB.
EYES = {
    "all colours": np.eye(3),
    "no red": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "no green": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "no blue": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
NIGHT = re.search(r'SILENCE_AT_NIGHT = "#([0-9a-f]{6})"', SOURCE)[1]
"""Silence in dark mode."""
LEAST_DISTANCE = 0.08
"""In Oklab; 0.02 is the least that can be seen."""


def linear(colour: str) -> np.ndarray:
    """Linear RGB of a colour, 0 to 1."""
    value = np.array([int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)])
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def oklab(rgb: np.ndarray) -> np.ndarray:
    """Ottosson (2020): distances are those that people see."""
    cones = [
        [0.41222147, 0.53633254, 0.05144599],
        [0.21190350, 0.68069955, 0.10739696],
        [0.08830246, 0.28171884, 0.62997870],
    ]
    opponents = [
        [0.21045426, 0.79361779, -0.00407205],
        [1.97799850, -2.42859221, 0.45059371],
        [0.02590404, 0.78277177, -0.80867577],
    ]
    return np.array(opponents) @ np.cbrt(np.array(cones) @ np.clip(rgb, 0, 1))


@pytest.mark.parametrize("silence", [COLOURS["silence"], NIGHT])
@pytest.mark.parametrize("eyes", EYES)
def test_no_two_labels_look_alike(eyes: str, silence: str) -> None:
    colours = COLOURS | {"silence": silence}
    seen = {label: oklab(np.array(EYES[eyes]) @ linear(one)) for label, one in colours.items()}
    assert len(seen) == 12
    for one, other in itertools.combinations(seen, 2):
        assert np.linalg.norm(seen[one] - seen[other]) > LEAST_DISTANCE, (one, other)


def test_text_on_every_colour_can_be_read(browser) -> None:
    """WCAG 2.2: a contrast of at least 4.5."""
    page = browser.new_page()
    code = (
        SOURCE.replace("export ", "")
        + "\n[...Object.values(COLOURS), SILENCE_AT_NIGHT].map((one) => [one.slice(1), inkOn(one)])"
    )
    for colour, ink in page.evaluate(code):
        assert colours.ink_on(f"#{colour}") == {"#000": "#000000", "#fff": "#ffffff"}[ink]
        luminance = linear(colour) @ [0.2126, 0.7152, 0.0722]
        contrast = (luminance + 0.05) / 0.05 if ink == "#000" else 1.05 / (luminance + 0.05)
        assert contrast >= 4.5, colour
    page.close()


def test_silence_is_no_white_band_in_dark_mode(browser) -> None:
    page = browser.new_page(color_scheme="dark")
    code = SOURCE.replace("export ", "") + '\n[colour("silence"), colour("jazz")]'
    assert page.evaluate(code) == [f"#{NIGHT}", f"#{COLOURS['jazz']}"]
    assert linear(NIGHT) @ [0.2126, 0.7152, 0.0722] < 0.05
    page.close()


def test_the_program_has_the_colours_of_the_page() -> None:
    assert {label: f"#{one}" for label, one in COLOURS.items()} == colours.COLOURS
    others = re.search(r"OTHER_COLOURS = (\[.*?\])", SOURCE)
    assert others
    assert {colours.colour_of(chr(at)) for at in range(97, 123)} == set(json.loads(others[1]))
    assert colours.colour_of("a") == json.loads(others[1])[97 % 5]
    assert colours.colour_of("silence", is_dark=True) == f"#{NIGHT}"
