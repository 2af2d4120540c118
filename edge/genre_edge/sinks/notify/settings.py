"""What the configuration's [[notify]] sets: what to tell about, when, and to whom."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import UsageError
from ...settings.hours import weekly_hours
from ...settings.options import check, option
from ...settings.section import Section
from ...states import STATES
from ...text_files import MOST_SECRET_BYTES, read_text

_ADDRESS = r"[A-Za-z][A-Za-z0-9+.-]*://\S+"
_MOST_ADDRESSES = 20


def hidden_addresses(urls: Sequence[str]) -> tuple[str, ...]:
    """Addresses with `***` for all that follows the kind of service: a topic is as good
    as a password.

    Examples
    --------
    >>> hidden_addresses(["ntfy://music-7f3a", "mailto://me:secret@example.org"])
    ('ntfy://***', 'mailto://***')
    """
    return tuple(f"{service_of(url)}://***" for url in urls)


def service_of(url: str) -> str:
    """The kind of service of an address: "ntfy", "json", "mailto", ..."""
    return url.partition("://")[0].lower() if "://" in url else ""


@dataclass(frozen=True)
class NotifyConfig:
    """One rule: what to tell about, when, and to whom."""

    name: str = option("", "what the rule is called; empty: what it tells about")
    urls: tuple[str, ...] = option(
        (),
        "where to: Apprise URLs, such as ntfy://TOPIC or mailto://USER:PASSWORD@HOST",
        shown=hidden_addresses,
    )
    urls_file: Path | None = option(None, "file with such URLs, one a line; nobody else reads it")
    labels: tuple[str, ...] = option(
        (), "labels to tell about; empty: every genre, or only the states if there are any"
    )
    states: tuple[str, ...] = option((), f"states to tell about: {', '.join(STATES[1:])}")
    source: str = option("", "the source that counts, by its name; empty: each of them")
    stay_seconds: float = option(
        30.0, "how long the label or state must last, s", low=0, high=86_400
    )
    pause_seconds: float = option(
        20.0, "other labels for this long do not end the stay of a label, s", low=0, high=3600
    )
    cool_down_minutes: float = option(
        10.0, "least time between two messages of the rule, min", low=0, high=10_080
    )
    once_a_day: bool = option(False, "one message a day at most, by the local date")
    quiet_hours: tuple[str, ...] = option(
        (), "no message then, in local time: periods such as Mon-Fri 22:00-07:00"
    )
    template: str = option(
        "",
        "the text, with fields in braces: label, confidence, since, minutes, device, source, "
        "reason; empty: a sentence",
    )
    timeout_seconds: float = option(
        30.0, "longest time to send one message, s; then it is given up", low=1, high=600
    )

    def __post_init__(self) -> None:
        check(self)
        _check_addresses(self.urls, "urls")
        addresses_in(self.urls_file)
        unknown = [state for state in self.states if state not in STATES[1:]]
        if unknown:
            raise UsageError(f"states: {unknown[0]} is none of {', '.join(STATES[1:])}")
        try:
            weekly_hours(self.quiet_hours)
        except UsageError as error:
            raise UsageError(f"quiet_hours: {error}") from None
        if self.template:
            from .message import check_template

            check_template(self.template)

    @property
    def title(self) -> str:
        """What messages call the rule."""
        return self.name or ", ".join((*self.labels, *self.states)) or "every genre"

    @property
    def is_about_every_genre(self) -> bool:
        """Whether no label and no state is named."""
        return not self.labels and not self.states

    def addresses(self) -> tuple[str, ...]:
        """All addresses, those in the file too. UsageError."""
        return (*self.urls, *addresses_in(self.urls_file))


def addresses_in(path: Path | None) -> tuple[str, ...]:
    """The addresses in a file, one a line; lines that begin with "#" are remarks.
    UsageError if it cannot be read, or a line is none."""
    if path is None:
        return ()
    lines = [line.strip() for line in read_text(path, most=MOST_SECRET_BYTES).splitlines()]
    found = tuple(line for line in lines if line and not line.startswith("#"))
    _check_addresses(found, f"urls_file {path}")
    return found


def _check_addresses(urls: Sequence[str], where: str) -> None:
    """UsageError, without the secrets, for what cannot be an address."""
    for number, url in enumerate(urls, 1):
        if not re.fullmatch(_ADDRESS, url) or not url.isprintable():
            raise UsageError(
                f"{where}: number {number} is no Apprise URL, such as ntfy://TOPIC (it is not "
                "shown: it may be a secret)"
            )
    if len(urls) > _MOST_ADDRESSES:
        raise UsageError(f"{where}: more than {_MOST_ADDRESSES} addresses")


def _check(config: NotifyConfig) -> None:
    """UsageError for a rule that could not send."""
    import importlib.util

    from ...extras import install_line

    if not config.addresses():
        raise UsageError(f"notify {config.title}: needs urls or urls_file")
    if importlib.util.find_spec("apprise") is None:
        raise UsageError(f"notify needs apprise: {install_line('notify')}")


def _check_together(rules: Sequence[NotifyConfig]) -> None:
    """Rules are told apart by what they are called."""
    titles = [rule.title for rule in rules]
    twice = next((title for title in titles if titles.count(title) > 1), None)
    if twice is not None:
        raise UsageError(f"notify {twice}: two rules are called so; give them names")


SECTION = Section(
    "notify",
    NotifyConfig,
    "A message to people, through Apprise",
    repeated=True,
    examples={
        "name": "jazz at home",
        "urls": ["ntfy://my-secret-topic"],
        "urls_file": "~/.config/genre-edge/notify-urls",
        "labels": ["jazz", "blues"],
        "states": ["lost"],
        "source": "kitchen",
        "quiet_hours": ["22:00-07:00"],
        "template": "{label} since {since} ({confidence})",
    },
    check=_check,
    check_key="urls",
    check_together=_check_together,
)
