"""The tables that are always there: microphone, listen, model and web.

Names of fields are those of the configuration file, the environment and the JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from ..errors import Fault, UsageError
from ..text_files import MOST_SECRET_BYTES, read_text
from .credentials import system_credential
from .options import check, option
from .section import Section

DEFAULT_MODEL = "gtzan-edge.int8"
"""The shipped model that is used if no other is named."""
_SHORTEST_TOKEN = 8
"""Characters of an access token."""
_TOKEN_CREDENTIAL = "web-token"
"""Where systemd puts the access token, if the unit loads one."""
SENSORS = ("loudness", "music_score", "tempo")
"""What can be measured besides the genre: options of [listen]."""
RUNTIMES = ("litert", "tflite", "tensorflow")
"""Interpreters, in the order in which they are looked for."""


@dataclass(frozen=True)
class CaptureConfig:
    """Which microphone is used, and how."""

    device: str | None = option(
        None, "a token ('genre-edge devices'), an index, or a part of the name", "--device", "D"
    )
    gain_db: float = option(0.0, "amplify by DB decibels", "--gain", "DB", low=-60, high=60)
    channel: int | None = option(
        None,
        "use channel N only, counted from 1; without it the mean of all",
        "--channel",
        "N",
        low=1,
    )
    exit_on_device_loss: bool = option(
        False, "exit with status 1 instead of waiting for the device", "--exit-on-device-loss"
    )
    queue_seconds: float = option(
        10.0, "audio that may wait to be processed before the oldest is dropped, s", low=1, high=600
    )
    stall_seconds: float = option(
        5.0, "time without audio after which the device counts as lost, s", low=0.1, high=600
    )

    @property
    def gain(self) -> float:
        """The gain as a factor of amplitude."""
        return float(10.0 ** (self.gain_db / 20.0))

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class ListenConfig:
    """How windows become labels, and when listening ends."""

    smooth: int = option(
        3, "windows averaged for the label; 1: none", "--smooth", "N", low=1, high=1000
    )
    silence_dbfs: float = option(
        -65.0, "level below which a window is silence, dBFS", "--silence", "DBFS", low=-120, high=0
    )
    uncertain_below: float | None = option(
        None,
        'confidence below which the label is "uncertain"; without it the value in the model',
        "--uncertain",
        "P",
        low=0,
        high=1,
    )
    duration: float | None = option(
        None, "stop after S seconds of audio", "--duration", "S", low=0.001
    )
    windows: int | None = option(None, "stop after N windows", "--windows", "N", low=1)
    loudness: bool = option(False, "also measure the loudness, LUFS", "--loudness")
    music_score: bool = option(
        False, "also say how surely a window is music at all", "--music-score"
    )
    tempo: bool = option(False, "also find the beats per minute, where they are sure", "--tempo")
    hours: tuple[str, ...] = option(
        (),
        "listen only then, in local time: periods such as 07:00-22:00 or Mon-Fri 07:00-22:00; "
        "empty: always",
    )

    def __post_init__(self) -> None:
        check(self)
        if self.hours:
            from .hours import weekly_hours

            try:
                weekly_hours(self.hours)
            except UsageError as error:
                raise UsageError(Fault("hours", "", str(error))) from None

    @property
    def sensors(self) -> tuple[str, ...]:
        """What is measured besides the genre: the options of these names are on."""
        return tuple(name for name in SENSORS if getattr(self, name))


@dataclass(frozen=True)
class EngineConfig:
    """What turns audio into genres; small and picklable, so that worker processes can
    build their own."""

    model: str = option(
        DEFAULT_MODEL, "a model file (.tflite), or the name of a shipped model", "--model", "M"
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
        "interpreter of the model; without it the first that is installed",
        "--runtime",
        choices=RUNTIMES,
    )
    threads: int = option(1, "interpreter threads", "--threads", "N", low=1, high=64)
    trusted_keys: tuple[str, ...] = option(
        (),
        "public keys; with any, only models signed with one of them and shipped ones are used",
        "--trusted-keys",
        "KEYS",
        by_hand=True,
    )
    top: int | None = option(
        None,
        "labels in a line of text; without it 3 where several may hold at once, else 1",
        "--top",
        "N",
        low=1,
        high=20,
    )
    min_score: float = option(
        0.0, "leave out labels with a smaller score", "--min-score", "P", low=0, high=1
    )

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class WebConfig:
    """The page and the prediction service."""

    enabled: bool = option(False, "serve the page and the API while listening")
    host: str = option(
        "127.0.0.1", "address to serve; 0.0.0.0: the whole network", "--host", "ADDRESS"
    )
    port: int = option(8080, "port; 0: any that is free", "--port", "N", low=0, high=65535)
    token_file: Path | None = option(
        None,
        "file with the access token for other machines; without it only this one is served",
        "--token-file",
        "F",
    )
    insecure: bool = option(False, "serve the network without a token", "--insecure")
    allow_origin: str | None = option(
        None,
        "another site whose pages may use the API, such as https://example.org; without it none",
        "--allow-origin",
        "URL",
    )
    allowed_hosts: tuple[str, ...] = option(
        (),
        "further names under which the service is asked for, by a reverse proxy say; with commas",
        "--allowed-hosts",
        "NAMES",
    )
    trusted_proxies: tuple[str, ...] = option(
        (),
        "addresses of reverse proxies whose X-Forwarded- and X-Ingress-Path headers are believed",
    )
    proxy_login: bool = option(
        False, "those proxies ask users to log in: their requests need no token, others do"
    )
    upload_mb: float = option(64.0, "largest upload, MB", low=0.1, high=4096)
    upload_total_mb: float = option(
        128.0, "all uploads that are received or worked on at once, MB", low=0.1, high=65536
    )
    upload_minutes: float = option(15.0, "longest audio in an upload, min", low=0.1, high=1440)
    upload_seconds: float = option(120.0, "longest time to classify an upload, s", low=1, high=3600)
    uploads: int = option(4, "uploads classified at once", low=1, high=64)
    viewers: int = option(40, "viewers of the live page at once", low=1, high=500)

    def __post_init__(self) -> None:
        check(self)
        networks = networks_of(self.trusted_proxies)
        if self.proxy_login and not networks:
            raise UsageError("proxy_login needs the addresses of the proxies in trusted_proxies")
        if self.proxy_login and any(_has_this_machine(one) for one in networks):
            raise UsageError(
                "proxy_login cannot go with a proxy on this machine: any program here could be it; "
                "a service for localhost needs no token anyway"
            )

    @property
    def is_local(self) -> bool:
        """Whether only this machine is served."""
        return self.host in ("localhost", "::1") or self.host.startswith("127.")

    def token(self) -> str | None:
        """Read the access token; None if there is none and none is needed.

        Raises
        ------
        UsageError
            If the file cannot be read or the token is too short; if there is no token
            and more than this machine is served.
        """
        if self.token_file is None:
            loaded = system_credential(_TOKEN_CREDENTIAL)
            if loaded is not None:
                return _long_enough(loaded, f"credential {_TOKEN_CREDENTIAL}")
            if not self.is_local and not self.insecure and not self.proxy_login:
                reason = (
                    "is open to the network: name a file with a token (--token-file, or token_file "
                    "in the configuration; openssl rand -hex 16 makes a token), or allow "
                    "everybody (--insecure)"
                )
                raise UsageError(Fault("host", self.host, reason))
            return None
        try:
            token = read_text(self.token_file, most=MOST_SECRET_BYTES).strip()
        except UsageError as error:
            reason = str(error).removeprefix(f"{self.token_file}: ")
            raise UsageError(Fault("token_file", self.token_file, reason)) from None
        return _long_enough(token, self.token_file)


def networks_of(addresses: Sequence[str]) -> list[IPv4Network | IPv6Network]:
    """Addresses, or networks such as 10.0.0.0/8, as they are compared. UsageError."""
    found = []
    for address in addresses:
        try:
            found.append(ip_network(address, strict=False))
        except ValueError:
            raise UsageError(
                f"trusted_proxies {address}: must be an address, or a network like 10.0.0.0/8"
            ) from None
    return found


def _has_this_machine(network: IPv4Network | IPv6Network) -> bool:
    here = ip_network("127.0.0.0/8" if network.version == 4 else "::1/128")
    return network.overlaps(here)


def _long_enough(token: str, place: object) -> str:
    if len(token) < _SHORTEST_TOKEN:
        reason = f"holds less than {_SHORTEST_TOKEN} characters"
        raise UsageError(Fault("token_file", place, reason))
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
    "Labels: smoothing, silence, uncertainty; further sensors; and when the program listens",
    examples={
        "uncertain_below": 0.5,
        "duration": 3600.0,
        "windows": 1200,
        "hours": ["Mon-Fri 07:00-22:00", "Sat,Sun 09:00-23:00"],
    },
)
MODEL = Section(
    "model",
    EngineConfig,
    "The model",
    examples={
        "hop_seconds": 1.0,
        "runtime": "litert",
        "top": 3,
        "trusted_keys": ["ed25519:S5nrLM8XhI4+U3ZIzzTUY7/ZyvrnvdY29iH0r5yIufQ="],
    },
)
WEB = Section(
    "web",
    WebConfig,
    "The page and the prediction service",
    examples={
        "token_file": "~/.config/genre-edge/token",
        "allow_origin": "https://example.org",
        "allowed_hosts": ["music.example.org"],
        "trusted_proxies": ["127.0.0.1"],
    },
    check=_check_web,
    check_key="enabled",
)
