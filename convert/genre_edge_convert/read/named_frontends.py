"""Front-ends by name: what common libraries, models and tutorials compute."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from genre_edge.errors import Fault, UsageError
from genre_edge.model.frontend_spec import FrontendSpec

_CENTRED = FrontendSpec(normalise="none", padding="zeros", frame_start="window")
"""librosa's STFT since 0.10: 2048 samples every 512, centred, zeros around the
window."""
_MFCC = replace(_CENTRED, kind="mfcc", n_mfcc=13)
_MEL = replace(_CENTRED, db_reference="max")
_SPEECH = FrontendSpec(
    sample_rate=16_000,
    n_fft=512,
    hop_length=160,
    frame_length=400,
    f_max=8000.0,
    normalise="none",
    frame_start="window",
)
"""25 ms every 10 ms at 16 kHz."""
_AUDIOSET = replace(
    _SPEECH,
    window_seconds=0.975,
    n_mels=64,
    f_min=125.0,
    f_max=7500.0,
    power=1,
    mel_filters="htk",
    scale="ln",
    log_offset=0.001,
)
_MUSICNN = replace(
    _SPEECH,
    hop_length=256,
    frame_length=0,
    n_mels=96,
    padding="zeros",
    scale="log10",
    log_factor=10_000.0,
    log_offset=1.0,
    fixed_frames=187,
)
_TORCH = replace(
    _SPEECH,
    n_fft=400,
    hop_length=200,
    frame_length=0,
    padding="reflect",
    mel_filters="htk-hz",
)
_PSF = replace(
    _SPEECH,
    taper="rectangular",
    padding="end",
    preemphasis=0.97,
    mel_filters="htk-bins",
    n_mels=26,
    scale="ln",
    log_factor=1 / 512,
    log_floor=2.0**-52,
    kind="mfcc",
    n_mfcc=13,
    lifter=22,
    lifter_from=0,
    frame_energy=True,
)


@dataclass(frozen=True)
class NamedFrontend:
    """A front-end that has a name."""

    spec: FrontendSpec
    """What it computes."""
    of: str
    """Whose it is, in a few words."""


NAMED: Mapping[str, NamedFrontend] = {
    "genre-edge": NamedFrontend(FrontendSpec(), "this program's own; genre-train's"),
    "librosa-mfcc-13": NamedFrontend(_MFCC, "librosa.feature.mfcc(y, sr, n_mfcc=13)"),
    "librosa-mfcc-20": NamedFrontend(replace(_MFCC, n_mfcc=20), "librosa.feature.mfcc(y, sr)"),
    "librosa-mfcc-40": NamedFrontend(
        replace(_MFCC, n_mfcc=40), "librosa.feature.mfcc(y, sr, n_mfcc=40)"
    ),
    "librosa-mel-128": NamedFrontend(
        _MEL, "librosa.power_to_db(melspectrogram(y, sr), ref=np.max)"
    ),
    "librosa-mel-128-ref1": NamedFrontend(
        _CENTRED, "librosa.power_to_db(melspectrogram(y, sr)), ref being 1"
    ),
    "librosa-mel-128-picture": NamedFrontend(
        replace(_MEL, normalise="minmax", minmax_high=255.0, channels=3),
        "the same with ref=np.max, from 0 to 255, in three channels",
    ),
    "librosa-stft": NamedFrontend(
        replace(_CENTRED, kind="linear", power=1, scale="db-amplitude", db_reference="max"),
        "librosa.amplitude_to_db(abs(stft(y)), ref=np.max)",
    ),
    "yamnet": NamedFrontend(_AUDIOSET, "YAMNet's log-mel, 96 frames of 64 bands"),
    "yamnet-waveform": NamedFrontend(
        FrontendSpec(
            kind="waveform",
            sample_rate=16_000,
            window_seconds=0.975,
            f_max=8000.0,
            normalise="none",
            frame_start="window",
        ),
        "YAMNet's TFLite file, which takes samples",
    ),
    "vggish": NamedFrontend(replace(_AUDIOSET, log_offset=0.01), "VGGish's log-mel"),
    "musicnn": NamedFrontend(_MUSICNN, "musicnn's, 187 frames of 96 bands"),
    "urbansound-mel-60": NamedFrontend(
        replace(
            _CENTRED,
            n_fft=1024,
            n_mels=60,
            window_seconds=20_480 / 22_050,
            deltas=1,
            delta_axis="channels",
        ),
        "K. J. Piczak's for UrbanSound8K: 41 frames of 60 bands, and their deltas",
    ),
    "choi-mel-96": NamedFrontend(
        replace(
            _CENTRED,
            sample_rate=12_000,
            window_seconds=29.12,
            n_fft=512,
            hop_length=256,
            n_mels=96,
            f_max=6000.0,
            scale="db-amplitude",
            log_floor=1e-5,
        ),
        "K. Choi's taggers of 29 s: 1366 frames of 96 bands",
    ),
    "panns": NamedFrontend(
        replace(
            _CENTRED,
            sample_rate=32_000,
            window_seconds=10.0,
            n_fft=1024,
            hop_length=320,
            n_mels=64,
            f_min=50.0,
            f_max=14_000.0,
            padding="reflect",
            top_db=1000.0,
        ),
        "PANNs (Cnn14) at 32 kHz, 1001 frames of 64 bands",
    ),
    "torchaudio-mel-128": NamedFrontend(
        replace(_TORCH, top_db=1000.0), "torchaudio MelSpectrogram() and AmplitudeToDB()"
    ),
    "torchaudio-mfcc-40": NamedFrontend(
        replace(_TORCH, kind="mfcc", n_mfcc=40), "torchaudio MFCC()"
    ),
    "psf-mfcc-13": NamedFrontend(_PSF, "python_speech_features.mfcc(signal, 16000)"),
    "tf-stft": NamedFrontend(
        replace(
            _SPEECH,
            kind="linear",
            window_seconds=1.0,
            n_fft=256,
            hop_length=128,
            frame_length=255,
            taper="hann-symmetric",
            power=1,
            scale="none",
        ),
        "TensorFlow's tutorial on spoken words: abs(tf.signal.stft(y, 255, 128))",
    ),
}
"""Front-ends that --frontend takes by name."""

_PATTERNS: Mapping[str, Callable[[int], FrontendSpec]] = {
    r"librosa-mfcc-(\d{1,4})": lambda n: replace(_MFCC, n_mfcc=n, n_mels=max(n, 128)),
    r"librosa-mel-(\d{1,4})": lambda n: replace(_MEL, n_mels=n),
    r"librosa-mel-(\d{1,4})-ref1": lambda n: replace(_CENTRED, n_mels=n),
}
"""Names with a number of coefficients or bands of one's own."""


_FEW_FRAMES = 0.05
"""Share of a window's frames that a tutorial may cut or add for a round number."""


def named(name: str) -> FrontendSpec:
    """A front-end by its name. UsageError lists the names."""
    if name in NAMED:
        return NAMED[name].spec
    for pattern, make in _PATTERNS.items():
        if found := re.fullmatch(pattern, name):
            return make(int(found[1]))
    close = difflib.get_close_matches(name.lower().replace("_", "-"), NAMED, 1)
    meant = f"did you mean {close[0]}? Known" if close else "known"
    reason = f"neither a file nor a known name; {meant}: {', '.join(NAMED)}"
    raise UsageError(Fault("frontend", name, reason))


def candidates(sizes: Sequence[int]) -> dict[str, NamedFrontend]:
    """Named front-ends that fill an input of these sizes (without those that are 1), in
    any order of axes."""
    wanted = sorted(sizes)
    return {
        name: entry
        for name, entry in {**NAMED, **_with_number(sizes)}.items()
        if sorted(n for n in entry.spec.shape if n != 1) == wanted
    }


def near(sizes: Sequence[int]) -> tuple[str, ...]:
    """Files for --frontend that fill such an input where no name does, each as a line
    of TOML: another length of the window, frames that are not centred, or a few frames
    cut or added."""
    made = []
    known = {**NAMED, **_with_number(sizes)}
    del known["genre-edge"]  # genre-train describes its networks itself
    for name, entry in known.items():
        for change in _changes(entry.spec, sizes):
            try:
                other = replace(entry.spec, **change)
            except UsageError:
                continue  # does not go with the rest
            if sorted(n for n in other.shape if n != 1) == sorted(sizes):
                said = (f"{field} = {json.dumps(value)}" for field, value in change.items())
                made.append(f'base = "{name}", {", ".join(said)}')
                break
    return tuple(made)


def _changes(spec: FrontendSpec, sizes: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Changes of a front-end that may lead to other sizes, the likeliest first."""
    yield {"padding": "none"}
    if spec.kind != "waveform" and not spec.fixed_frames:
        yield from ({"window_seconds": halves / 2} for halves in range(1, 61))
        few = spec.shape[0] * _FEW_FRAMES
        yield from ({"fixed_frames": n} for n in sizes if abs(n - spec.shape[0]) <= few)


def listed(found: Mapping[str, NamedFrontend]) -> str:
    """Front-ends for a message: the name and whose it is, by semicolons."""
    return "; ".join(f"{name} ({entry.of})" for name, entry in found.items())


def _with_number(sizes: Sequence[int]) -> dict[str, NamedFrontend]:
    """Front-ends of names with a number, for the sizes of an input."""
    made = {}
    for n in sorted(set(sizes)):
        if n <= 60:
            spec = replace(_MFCC, n_mfcc=n)
            made[f"librosa-mfcc-{n}"] = NamedFrontend(spec, f"librosa MFCC, n_mfcc={n}")
        if 8 <= n <= 512:
            spec = replace(_MEL, n_mels=n)
            made[f"librosa-mel-{n}"] = NamedFrontend(spec, f"librosa mel in dB, n_mels={n}")
    return {name: entry for name, entry in made.items() if name not in NAMED}
