"""The model card: what a model is, how right it is and on what, and its limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from genre_edge.judge.measures import wilson
from genre_edge.model.bundle import Bundle
from genre_edge.model.bundle_info import BundleInfo
from genre_edge.model.flatbuffer import read_graph
from genre_edge.model.frontend_spec import FrontendSpec

from ..read.board_times import board_times

_MADE_FROM = "## Made from"
_HEADING = re.compile(r"^## .*$", re.M)
_SECTION = re.compile(r"^## .*?(?=^## |\Z)", re.M | re.S)


def card(name: str, bundles: Mapping[str, Bundle], sizes: Mapping[str, int]) -> str:
    """The model card of a model's bundles.

    Parameters
    ----------
    name
        What the model is called.
    bundles
        Its bundles, {"float32": ..., "int8": ...}. Every figure comes from what they
        say about themselves.
    sizes
        Size of each bundle's file, bytes.

    Returns
    -------
    str
        Markdown.
    """
    first = next(iter(bundles.values())).info
    frontend = first.frontend
    kinds = "labels, of which several may hold at once" if first.is_multi_label else "genres"
    lines = [
        f"# {name}",
        "",
        f"Names the genre of a {frontend.window_seconds:g}-second window of music. It knows "
        f"{len(first.labels)} {kinds}: {', '.join(first.labels)}.",
        "",
        "## Accuracy",
        "",
        *_table(bundles, sizes),
        "",
        f"{_which_tracks(first)} Windows do not overlap. A track's genre is that of the mean of "
        "its windows' scores, as in `genre-edge classify`. In brackets: Wilson's 95 % interval for "
        "as many independent cases; "
        'windows of one track are not independent. "Agrees" is the share of windows on which the '
        "most probable genre is the same as that of the network before conversion.",
        "",
        *_confusions(bundles),
        "",
        *_calibration(bundles),
        "",
        _MADE_FROM,
        "",
        *(f"- {key}: {value}" for key, value in first.trained_on.items()),
        *_conversion(bundles),
        *_times(bundles),
        f"- front-end: {_frontend(frontend)}",
        f"- {_checked(first)}",
        "",
        "## Limits",
        "",
        "- One artist's tracks may be among both the training and the valid tracks. That makes "
        "the figures too good: expect less on other music.",
        "- Genre labels are one listener's opinion, and the training labels contain known faults "
        "(B. L. Sturm, arXiv:1306.1461).",
        "- `genre-edge classify` always names one of the genres, even for speech and noise.",
        "- Unless a table says otherwise, the figures are for the recordings themselves, not for "
        "what a microphone hears.",
        "",
    ]
    return "\n".join(lines)


def with_sections_of(old: str, new: str) -> str:
    """A new card with those sections of an old one that `card` does not write. They
    come before what the model was made from."""
    written = set(_HEADING.findall(new))
    kept = [text for text in _SECTION.findall(old) if _HEADING.findall(text)[0] not in written]
    head, mark, tail = new.partition(_MADE_FROM)
    return head + "".join(f"{text.strip()}\n\n" for text in kept) + mark + tail


def knows_its_training(info: BundleInfo) -> bool:
    """Whether a model says how it was trained, as those of genre-train do."""
    return "version" in info.trained_on


def _which_tracks(info: BundleInfo) -> str:
    """Which tracks the accuracy is for."""
    if knows_its_training(info):
        return (
            "The tracks are those that training did not use (`split` = valid in the data's table)."
        )
    return (
        "The tracks are those with `split` = valid in the data's table, or every tenth of each "
        "folder. Whether training used them is not known here: if it did, these figures are too "
        "good."
    )


def _frontend(spec: FrontendSpec) -> str:
    """A front-end in a few words."""
    if spec.kind == "waveform":
        return f"{spec.window_samples} samples at {spec.sample_rate} Hz"
    bands = f"{spec.n_mels} mel bands to {spec.f_max:.0f} Hz"
    if spec.kind == "linear":
        bands = f"{spec.bands} bins"
    elif spec.kind == "mfcc":
        bands += f", {spec.n_mfcc} MFCCs of them"
    return (
        f"{spec.sample_rate} Hz, STFT {spec.n_fft}/{spec.hop_length}, {bands}; "
        f"{' x '.join(map(str, spec.shape))} numbers"
    )


def _checked(info: BundleInfo) -> str:
    """Whether the front-end was compared with the code that the model learnt by."""
    found = info.conversion.get("frontend_checked")
    if found:
        return (
            f"front-end verified on {found['clip']}: its {found['compared']} are those of the code "
            f"that the model learnt by, within {found['largest_difference']:g}"
        )
    if knows_its_training(info):
        return "front-end verified: genre-train computes it by the same code"
    return (
        "front-end not verified: nothing showed that it computes what the model learnt from "
        "(`--check-with CLIP --expect FILE.npy` does)"
    )


def _table(bundles: Mapping[str, Bundle], sizes: Mapping[str, int]) -> list[str]:
    rows = ["| model | file | windows right | tracks right | agrees |", "|---|---|---|---|---|"]
    for kind, bundle in bundles.items():
        metrics = bundle.info.metrics
        valid: Mapping[str, Any] = metrics.get("valid", {})
        cells = [_share(valid[unit]) if valid else "not measured" for unit in ("windows", "tracks")]
        rows.append(
            f"| {kind} | {sizes[kind] / 1000:.0f} KB | {cells[0]} | {cells[1]} "
            f"| {metrics['agreement']['top1']:.1%} of {metrics['agreement']['windows']} |"
        )
    return rows


def _share(found: Mapping[str, Any]) -> str:
    low, high = wilson(round(found["accuracy"] * found["count"]), found["count"])
    return f"{found['accuracy']:.1%} of {found['count']} ({low:.0%} to {high:.0%})"


def _conversion(bundles: Mapping[str, Bundle]) -> list[str]:
    return [
        f"- {kind}: needs TFLite {found['oldest_runtime']} or newer; ran in "
        f"{', '.join(found['runs_in'])}; "
        f"{found['macs'] / 1e6:.1f} million multiply-accumulates for a window"
        for kind, bundle in bundles.items()
        if (found := bundle.info.conversion)
    ]


def _times(bundles: Mapping[str, Bundle]) -> list[str]:
    """What a window may take: one line of the last bundle's."""
    last = list(bundles.values())[-1]
    times = board_times(read_graph(last.flatbuffer, last.path))
    if not times:
        return []
    boards = ", ".join(f"{time.text} on a {time.board}" for time in times if time.threads == 1)
    return [
        f"- time a window of {last.info.name}, estimated and not measured, one thread, without the "
        f"front-end: {boards}"
    ]


def _calibration(bundles: Mapping[str, Bundle]) -> list[str]:
    last = list(bundles.values())[-1]
    valid = last.info.metrics.get("valid")
    if not valid:
        return []
    return [
        f"Expected calibration error of {last.info.name} on those windows: "
        f"{valid['calibration_error']:.3f}. "
        f"Below a confidence of {valid['uncertain_below']:.2f} a window is more likely wrong than "
        "right, and `genre-edge listen` calls it uncertain.",
        "",
        "Of sounds that are no music it calls uncertain: "
        + ", ".join(
            f"{found['uncertain']:.0%} of {found['windows']} windows of {name}"
            for name, found in last.info.metrics["not_music"].items()
        )
        + " (speech by espeak-ng in eight voices; white, pink and brown noise).",
    ]


def _confusions(bundles: Mapping[str, Bundle]) -> list[str]:
    last = list(bundles.values())[-1]
    valid = last.info.metrics.get("valid")
    if not valid or not valid["confusions"]:
        return []
    worst = ", ".join(
        f"{pair.replace(' > ', ' as ')} ({n})" for pair, n in valid["confusions"].items()
    )
    weakest = sorted(valid["recall"].items(), key=lambda pair: pair[1])[:3]
    return [
        f"Most frequent confusions of {last.info.name}, in windows: {worst}. Lowest recall: "
        + ", ".join(f"{label} ({share:.0%} of its windows right)" for label, share in weakest)
        + "."
    ]
