"""The coarse spectrum that live viewers see: 48 mel bands, ten times a second.

It is made whether anybody watches or not, so that a new viewer sees the last half
minute. No audio is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import scipy.fft

from ..arrays import Float32
from ..audio.mono import to_mono
from ..audio.source import AudioBlock, Source
from ..model.frontend_spec import FrontendSpec
from ..model.mel import mel_filterbank

BANDS = 48
SPECTRA_PER_SECOND = 10
_FFT_SIZE = 2048
_LOWEST_DB, _HIGHEST_DB = -90.0, 0.0
"""Level of a band, dB of a full-scale sine, that is sent as 0 and as 255."""


class SpectrumSource:
    """A source that passes audio on unchanged and sends its spectrum to viewers.

    Parameters
    ----------
    source
        Where the audio comes from.
    send
        Gets the levels of the mel bands, 0 to 255, the lowest band first.
    """

    def __init__(
        self,
        source: Source,
        send: Callable[[list[int]], None],
    ) -> None:
        self._source, self._send = source, send
        self.sample_rate, self.channels = source.sample_rate, source.channels
        rate = source.sample_rate
        spec = FrontendSpec(sample_rate=rate, n_mels=BANDS, n_fft=_FFT_SIZE, f_max=rate / 2)
        self._filterbank = mel_filterbank(spec)
        self._hann = np.hanning(_FFT_SIZE).astype(np.float32)
        self._latest: Float32 = np.zeros(0, dtype=np.float32)
        self._samples_to_next = 0

    @property
    def name(self) -> str:
        """Name of the source; it may change while the source runs."""
        return self._source.name

    def blocks(self) -> Iterator[AudioBlock]:
        """Yield the blocks of the source, unchanged."""
        for block in self._source.blocks():
            self._analyse(to_mono(block.samples))
            yield block

    def close(self) -> None:
        """Close the source."""
        self._source.close()

    def _analyse(self, samples: Float32) -> None:
        """Send a spectrum of the latest samples if one is due."""
        self._latest = np.concatenate([self._latest, samples])[-_FFT_SIZE:]
        self._samples_to_next -= len(samples)
        if self._samples_to_next > 0 or len(self._latest) < _FFT_SIZE:
            return
        self._samples_to_next = self.sample_rate // SPECTRA_PER_SECOND
        self._send(band_levels(self._latest * self._hann, self._filterbank))


def band_levels(windowed: Float32, filterbank: Float32) -> list[int]:
    """Level of each mel band of one frame.

    Parameters
    ----------
    windowed
        2048 samples of full scale 1, float32, multiplied by a Hann window.
    filterbank
        Weights of the mel bands, [bins, bands].

    Returns
    -------
    list of int
        One number a band, 0 to 255 for -90 to 0 dB of a full-scale sine.
    """
    # A full-scale sine under a Hann window has a peak of a quarter of the FFT size.
    power = np.abs(scipy.fft.rfft(windowed)) ** 2 / (_FFT_SIZE / 4) ** 2
    mean_power = power @ filterbank / np.maximum(filterbank.sum(axis=0), 1e-9)
    db = 10 * np.log10(mean_power + 1e-12)
    scaled = (db - _LOWEST_DB) / (_HIGHEST_DB - _LOWEST_DB) * 255
    return [int(value) for value in np.clip(scaled, 0, 255)]
