"""The model card: what the model is, how it was judged, and what it is bad at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genre_edge.judge.measures import wilson
from genre_edge.model.bundle import Bundle


def card(name: str, bundles: Mapping[str, Bundle], sizes: Mapping[str, int]) -> str:
    """Markdown for a model's bundles, {"float32": ..., "int8": ...}; every figure is
    from their metadata."""
    first = next(iter(bundles.values())).info
    frontend = first.frontend
    lines = [
        f"# {name}",
        "",
        f"Says which of {len(first.labels)} genres a {frontend.window_seconds:g}-second window of "
        "music is: "
        f"{', '.join(first.labels)}.",
        "",
        "## Accuracy",
        "",
        *_table(bundles, sizes),
        "",
        "Protocol: tracks kept out of training altogether (`split` = valid in the data's table), "
        "non-overlapping windows, and the mean of a track's scores for the track; "
        "measured through `genre-edge classify`. In brackets Wilson's 95 % interval, for as many "
        "independent cases "
        '(windows of one track are not). "Agrees" is the share of those windows on which the top-1 '
        "is that of the network before conversion.",
        "",
        *_confusions(bundles),
        "",
        *_calibration(bundles),
        "",
        "## Made from",
        "",
        *(f"- {key}: {value}" for key, value in first.trained_on.items()),
        *_conversion(bundles),
        f"- front-end: {frontend.sample_rate} Hz, STFT {frontend.n_fft}/{frontend.hop_length}, "
        f"{frontend.n_mels} mel bands to {frontend.f_max:.0f} Hz",
        "",
        "## Limits",
        "",
        "- Tracks of one artist may stand on both sides of the split, which flatters the figures: "
        "expect less on music of other times and places.",
        "- Genre labels are one listener's opinion, and the training labels contain known faults "
        "(B. L. Sturm, arXiv:1306.1461).",
        "- `genre-edge classify` always names one of the genres, of speech and noise too.",
        "- Unless a table says otherwise, the figures are for the recordings themselves, not for "
        "what a microphone hears.",
        "",
    ]
    return "\n".join(lines)


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
        f"{found['macs'] / 1e6:.1f} million multiply-accumulates a window"
        for kind, bundle in bundles.items()
        if (found := bundle.info.conversion)
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
        "right: "
        "`genre-edge listen` calls it uncertain.",
        "",
        "Sounds that are no music, called uncertain by that rule: "
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
        f"{pair.replace(' > ', ' heard as ')} ({n})" for pair, n in valid["confusions"].items()
    )
    weakest = sorted(valid["recall"].items(), key=lambda pair: pair[1])[:3]
    return [
        f"Most frequent confusions of {last.info.name}, in windows: {worst}. Heard worst: "
        + ", ".join(f"{label} ({share:.0%} of its windows right)" for label, share in weakest)
        + "."
    ]
