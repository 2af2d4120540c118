"""The coarse spectrum that a live viewer sees: 48 mel bands, ten times a second."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import scipy.fft

from ..arrays import Float32
from ..audio.mono import to_mono
from ..audio.source import AudioBlock, Source
from ..model.frontend_spec import FrontendSpec
from ..model.mel import mel_filterbank

BANDS, PER_SECOND = 48, 10
_FFT = 2048
_LOWEST_DB, _HIGHEST_DB = -90.0, 0.0


class Tap:
    """A source that shows what passes through it to `show` while `wanted` says so."""

    def __init__(
        self, source: Source, show: Callable[[list[int]], None], wanted: Callable[[], bool]
    ) -> None:
        self._source, self._show, self._wanted = source, show, wanted
        self.sample_rate, self.channels = source.sample_rate, source.channels
        rate = source.sample_rate
        spec = FrontendSpec(sample_rate=rate, n_mels=BANDS, n_fft=_FFT, f_max=rate / 2)
        self._mel = mel_filterbank(spec)
        self._window = np.hanning(_FFT).astype(np.float32)
        self._held: Float32 = np.zeros(0, dtype=np.float32)
        self._due = 0

    @property
    def name(self) -> str:
        """The source's, which may change while it runs."""
        return self._source.name

    def blocks(self) -> Iterator[AudioBlock]:
        """The source's blocks, unchanged."""
        for block in self._source.blocks():
            if self._wanted():
                self._look(to_mono(block.samples))
            yield block

    def close(self) -> None:
        """Close the source."""
        self._source.close()

    def _look(self, samples: Float32) -> None:
        self._held = np.concatenate([self._held, samples])[-_FFT:]
        self._due -= len(samples)
        if self._due > 0 or len(self._held) < _FFT:
            return
        self._due = self.sample_rate // PER_SECOND
        self._show(levels(self._held * self._window, self._mel))


def levels(samples: Float32, mel: Float32) -> list[int]:
    """Mel bands of windowed samples [2048] as 0 to 255, of -90 to 0 dB of a full-scale
    sine."""
    power = np.abs(scipy.fft.rfft(samples)) ** 2 / (_FFT / 4) ** 2
    db = 10 * np.log10(power @ mel / np.maximum(mel.sum(axis=0), 1e-9) + 1e-12)
    scaled = (db - _LOWEST_DB) / (_HIGHEST_DB - _LOWEST_DB) * 255
    return [int(value) for value in np.clip(scaled, 0, 255)]
