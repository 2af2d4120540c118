"""What a user can set; names are those of the configuration file, the environment and
the JSON."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError
from .options import check, option
from .section import Section

DEFAULT_MODEL = "gtzan-edge.int8"
"""The shipped model that is used where nobody names another."""
RUNTIMES = ("litert", "tflite", "tensorflow")
"""Interpreters, in the order in which they are looked for."""


@dataclass(frozen=True)
class CaptureConfig:
    """How the microphone is heard."""

    device: str | None = option(
        None, "a token ('genre-edge devices'), an index, or a part of the name", "--device", "D"
    )
    gain_db: float = option(0.0, "amplify by DB decibels", "--gain", "DB", low=-60, high=60)
    channel: int | None = option(
        None,
        "hear channel N alone, counted from 1; without it the mean of all",
        "--channel",
        "N",
        low=1,
    )
    exit_on_device_loss: bool = option(
        False, "leave with status 1 instead of waiting for the device", "--exit-on-device-loss"
    )
    queue_seconds: float = option(
        10.0, "audio kept for a slow consumer before the oldest is dropped, s", low=1, high=600
    )
    stall_seconds: float = option(
        5.0, "time without a frame after which the stream counts as dead, s", low=0.1, high=600
    )

    @property
    def gain(self) -> float:
        """The gain as a factor of amplitude."""
        return float(10.0 ** (self.gain_db / 20.0))

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class ListenConfig:
    """What is made of what is heard."""

    smooth: int = option(
        3, "windows averaged for the label; 1: none", "--smooth", "N", low=1, high=1000
    )
    silence_dbfs: float = option(
        -65.0, "level below which it is silence, dBFS", "--silence", "DBFS", low=-120, high=0
    )
    uncertain_below: float | None = option(
        None,
        'probability below which the label is "uncertain"; without it what the model\'s card says',
        "--uncertain",
        "P",
        low=0,
        high=1,
    )
    duration: float | None = option(
        None, "stop after S seconds of audio", "--duration", "S", low=0.001
    )
    windows: int | None = option(None, "stop after N windows", "--windows", "N", low=1)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class EngineConfig:
    """What turns audio into genres; small and picklable, so that worker processes can
    build their own."""

    model: str = option(
        DEFAULT_MODEL, "a bundle (.tflite), or the name of a shipped one", "--model", "M"
    )
    hop_seconds: float | None = option(
        None,
        "distance between windows, s; without it the window's length",
        "--hop",
        "SECONDS",
        low=0.01,
    )
    runtime: str | None = option(
        None,
        "what runs the model; without it the first that is installed",
        "--runtime",
        choices=RUNTIMES,
    )
    threads: int = option(1, "interpreter threads", "--threads", "N", low=1, high=64)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class WebConfig:
    """The page and the prediction service."""

    enabled: bool = option(False, "serve page and API beside the service that listens")
    host: str = option(
        "127.0.0.1", "address to listen on; 0.0.0.0: the whole network", "--host", "ADDRESS"
    )
    port: int = option(8080, "port; 0: any that is free", "--port", "N", low=0, high=65535)
    token_file: Path | None = option(
        None,
        "file with the token that requests must bring; without it only this machine is served",
        "--token-file",
        "F",
    )
    insecure: bool = option(False, "serve the network without a token", "--insecure")
    allow_origin: str | None = option(
        None,
        "another site whose pages may ask, such as https://example.org; without it none",
        "--allow-origin",
        "URL",
    )
    upload_mb: float = option(64.0, "largest upload, MB", low=0.1, high=4096)
    upload_minutes: float = option(15.0, "longest audio in an upload, min", low=0.1, high=1440)
    upload_seconds: float = option(120.0, "longest work on an upload, s", low=1, high=3600)
    uploads: int = option(4, "uploads worked on at once", low=1, high=64)
    viewers: int = option(40, "live viewers at once", low=1, high=500)

    def __post_init__(self) -> None:
        check(self)

    @property
    def is_local(self) -> bool:
        """Whether this machine alone is served."""
        return self.host in ("localhost", "::1") or self.host.startswith("127.")

    def token(self) -> str | None:
        """The token, if there is one. UsageError if it cannot be read, is too short, or
        is missing beyond this machine."""
        if self.token_file is None:
            if not self.is_local and not self.insecure:
                raise UsageError(
                    f"{self.host} is open to the network: give --token-file FILE (openssl rand "
                    "-hex 16 makes a token), "
                    "or --insecure"
                )
            return None
        try:
            token = self.token_file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise UsageError(f"token file {self.token_file}: {error.strerror}") from None
        if len(token) < 8:
            raise UsageError(f"token file {self.token_file}: holds less than 8 characters")
        return token


def _check_web(config: WebConfig) -> None:
    if config.enabled:
        config.token()


MICROPHONE = Section(
    "microphone",
    CaptureConfig,
    "The microphone",
    examples={"device": "usb:0d8c:013c", "channel": 1},
)
LISTEN = Section(
    "listen",
    ListenConfig,
    "What is made of what it hears",
    examples={"uncertain_below": 0.5, "duration": 3600.0, "windows": 1200},
)
MODEL = Section(
    "model",
    EngineConfig,
    "The model",
    examples={"hop_seconds": 1.0, "runtime": "litert"},
)
WEB = Section(
    "web",
    WebConfig,
    "The page and the prediction service",
    examples={
        "token_file": "~/.config/genre-edge/token",
        "allow_origin": "https://example.org",
    },
    check=_check_web,
    check_key="enabled",
)
