"""The table [update]: whose models and settings a listening program takes, and where it
looks for them."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

from ..ed25519 import key_bytes
from ..errors import UsageError
from .credentials import split_address, without_credentials
from .options import check, option
from .section import Section

MQTT = "mqtt"
"""In place of an address: the broker of [mqtt]."""
INSTALL = ("auto", "ask")
"""Whether a model is used as soon as it is there, or when somebody wants it."""


@dataclass(frozen=True)
class UpdateConfig:
    """Where updates come from, and who is trusted."""

    url: str = option(
        "",
        'http(s)://HOST/FOLDER/ that "genre-edge publish --to FOLDER" fills, or "mqtt" for the '
        "broker of [mqtt]; empty: no updates",
        shown=without_credentials,
        by_hand=True,
    )
    trusted_keys: tuple[str, ...] = option(
        (), "public keys; what none of them has signed is not taken", by_hand=True
    )
    install: str = option(
        "auto",
        "auto: a model is used as soon as it is there; ask: once somebody wants it, in Home "
        "Assistant say",
        choices=INSTALL,
        by_hand=True,
    )
    every_minutes: float = option(
        60.0, "time between two looks at the address, min", low=0.01, high=10_080, by_hand=True
    )

    def __post_init__(self) -> None:
        check(self)

    @property
    def is_on(self) -> bool:
        """Whether updates are looked for."""
        return bool(self.url)


def _check(config: UpdateConfig) -> None:
    """UsageError for what cannot be looked at, or believed."""
    if not config.is_on:
        return
    if config.url != MQTT:
        _check_address(config.url)
    if not config.trusted_keys:
        raise UsageError(
            'needs trusted_keys: "genre-convert sign --make-key FILE" makes a key and prints what '
            "belongs there"
        )
    for key in config.trusted_keys:
        try:
            key_bytes(key)
        except UsageError as error:
            raise UsageError(f"trusted_keys: {error}") from None
    if importlib.util.find_spec("cryptography") is None:
        from ..extras import install_line

        raise UsageError(f"needs cryptography to check signatures: {install_line('sign')}")


def _check_address(url: str) -> None:
    parts = split_address(url)
    shown = without_credentials(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f'{shown}: must be http(s)://HOST/FOLDER/ or "{MQTT}"')
    if "@" in parts.netloc or not url.isascii() or not url.isprintable() or " " in url:
        raise UsageError(f"{shown}: must have no password, no blanks, no letters beyond ASCII")


UPDATE = Section(
    "update",
    UpdateConfig,
    "Updates over the network, signed: models and settings (genre-edge publish)",
    examples={
        "url": "https://example.org/genre-edge/",
        "trusted_keys": ["ed25519:S5nrLM8XhI4+U3ZIzzTUY7/ZyvrnvdY29iH0r5yIufQ="],
    },
    check=_check,
    check_key="url",
)
