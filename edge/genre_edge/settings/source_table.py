"""The table [[source]]: what is heard, if it is not the microphone alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import UsageError
from .credentials import without_credentials
from .options import check, from_pairs, option, option_fields
from .section import Section

SCHEMES = ("http", "https", "rtsp", "rtsps", "fifo", "alsa", "pulse", "file", "microphone")
"""What a source's address may begin with."""
_NETWORK = ("http", "https", "rtsp", "rtsps")
_MICROPHONE = "microphone"
_LOCAL_FORMS = "fifo:PATH, file:PATH, alsa:NAME or pulse:NAME"
_LONGEST_NAME = 60
"""Letters in a name: it is a part of MQTT topics."""


@dataclass(frozen=True)
class SourceConfig:
    """One source, and how it is heard."""

    url: str = option(
        "",
        "http(s):// (radio, Icecast), rtsp(s):// (camera), fifo:PATH, file:PATH (in a loop), "
        "alsa:NAME, pulse:NAME, or microphone (that of [microphone])",
        shown=without_credentials,
    )
    name: str = option(
        "", "what records call it; empty: its address without password. Several sources need names"
    )
    gain_db: float = option(0.0, "amplify by this, dB", low=-60, high=60)
    channel: int | None = option(
        None, "use the left (1) or right (2) channel only; without it the mean", low=1, high=2
    )
    rate: int | None = option(
        None,
        "fifo: raw 16-bit little-endian samples at this rate, Hz; without it what comes names its "
        "own (WAV, say). alsa: the device's rate",
        low=1000,
        high=384_000,
    )
    channels: int = option(2, "fifo, alsa: channels", low=1, high=64)
    rtsp_transport: str = option(
        "tcp", "how an RTSP server sends", choices=("tcp", "udp", "http", "https")
    )
    audio_only: bool = option(
        True, "ask an RTSP server for audio alone; false for servers that refuse that"
    )
    stall_seconds: float = option(
        10.0, "time without audio after which the source counts as lost, s", low=0.1, high=600
    )
    exit_on_loss: bool = option(False, "exit with status 1 instead of waiting for the source")

    def __post_init__(self) -> None:
        check(self)
        scheme = self.scheme
        if scheme not in SCHEMES:
            shown = without_credentials(self.url)
            raise UsageError(f"source {shown}: must begin with one of {', '.join(SCHEMES)}")
        if scheme in _NETWORK and not _names_a_host(self.url):
            raise UsageError(f"source {scheme}:...: must name a host: {scheme}://HOST/PATH")
        if self.is_microphone:
            self._check_microphone()
        elif scheme not in _NETWORK and not self.target:
            raise UsageError(f"source {self.url}: must be {_LOCAL_FORMS}")
        if any(ord(letter) < 32 for letter in self.url):
            raise UsageError(f"source {scheme}:...: must not hold control characters")
        if self.rate is not None and scheme not in ("fifo", "alsa"):
            raise UsageError(f"source {self.label}: rate is for fifo: and alsa: alone")
        if self.name and not re.fullmatch(rf"[\w. -]{{1,{_LONGEST_NAME}}}", self.name):
            raise UsageError(
                f"source name {self.name!r}: must be {_LONGEST_NAME} letters, digits, spaces, '.', "
                "'-' and '_' at most"
            )

    def _check_microphone(self) -> None:
        """UsageError for what the table [microphone] sets."""
        others = [one for one in option_fields(SourceConfig) if one.name not in ("url", "name")]
        if self.target or any(getattr(self, one.name) != one.default for one in others):
            raise UsageError(
                f"source {self.url}: must be {_MICROPHONE} and a name; all else about it is set in "
                "[microphone]"
            )

    @property
    def is_microphone(self) -> bool:
        """Whether it is the microphone of the table [microphone]."""
        return self.scheme == _MICROPHONE

    @property
    def scheme(self) -> str:
        """The kind of source: one of SCHEMES."""
        return self.url.partition(":")[0].lower()

    @property
    def target(self) -> str:
        """What follows the scheme: "//HOST/PATH", a path, or a device's name."""
        return self.url.partition(":")[2]

    @property
    def label(self) -> str:
        """What people and records call it; without credentials."""
        return self.name or without_credentials(self.url)

    @property
    def gain(self) -> float:
        """The gain as a factor of amplitude."""
        return float(10.0 ** (self.gain_db / 20.0))


def topic_of(name: str) -> str:
    """A name as one level of an MQTT topic and as an id: in a-z, A-Z, 0-9, "_" and "-",
    all that Home Assistant allows. A checksum stands for letters that have no likeness
    among them.

    Examples
    --------
    >>> topic_of("pi.local"), topic_of("küche")
    ('pi_local', 'kuche_f08d3c12')
    """
    import re
    import unicodedata
    import zlib

    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    safe = re.sub(r"[^A-Za-z0-9_-]", "_", plain)
    known = name.encode("utf-8", "surrogatepass")  # names of files need not be Unicode
    return safe if name.isascii() else f"{safe}_{zlib.crc32(known):08x}"


def _names_a_host(url: str) -> bool:
    from urllib.parse import urlsplit

    try:
        return bool(urlsplit(url).hostname)
    except ValueError:
        return False


def parse_source(text: str) -> dict[str, Any]:
    """Read "URL,key=value,...", the form of --source: {key: value}. Commas in the URL
    are a part of it. UsageError, without what may be a password."""
    keys = [one.name.replace("_", "-") for one in option_fields(SourceConfig) if one.name != "url"]
    url, *pairs = re.split(rf",(?=(?:{'|'.join(keys)})=)", text)
    unknown = re.search(r",([a-z-]+)=[^,/@&]*$", url)
    if unknown:
        raise UsageError(f"--source: {unknown[1]} is none of {', '.join(f'{k}=' for k in keys)}")
    try:
        values = from_pairs(SourceConfig, "url", ",".join(["-", *pairs])) | {"url": url}
        SourceConfig(**values)
    except UsageError as error:
        raise UsageError(f"--source: {error}") from None
    return values


def _check(config: SourceConfig) -> None:
    """A file that is to be heard in a loop must be there."""
    from pathlib import Path

    if config.scheme == "file" and not Path(config.target).is_file():
        raise UsageError(f"{config.target}: no such file")


def _check_together(sources: Sequence[SourceConfig]) -> None:
    """Several sources are told apart by their names."""
    if len(sources) < 2:
        return
    topics = [topic_of(source.name) for source in sources]
    for source in sources:
        if not source.name:
            raise UsageError(f"{source.label}: needs a name where there are several sources")
        if topics.count(topic_of(source.name)) > 1:
            raise UsageError(f"name {source.name}: is given to several sources")
    if sum(source.is_microphone for source in sources) > 1:
        raise UsageError(f"{_MICROPHONE}: can be one of the sources only; alsa: hears others")


SOURCE = Section(
    "source",
    SourceConfig,
    "A stream, heard through ffmpeg instead of the microphone; several may be heard at once",
    repeated=True,
    examples={
        "url": "fifo:/tmp/snapfifo",
        "name": "kitchen",
        "channel": 1,
        "rate": 48000,
    },
    flag="--source",
    check=_check,
    check_key="url",
    check_together=_check_together,
)
