"""Options declared once: a dataclass field that knows its flag, its help and its
limits.

The same declaration makes the command line's flag, the key of the configuration file,
the environment variable, the commented file that `genre-edge config init` writes, and
the check of the value.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import Fault, UsageError

_KEY = "option"


def _unchanged(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Option:
    """What is known of one field beside its type and default."""

    help: str
    """What it is, with its unit, and what None means where None is allowed."""
    flag: str | None = None
    """The command line's flag; None: only in the configuration file and the
    environment."""
    metavar: str | None = None
    """What stands for the value in --help."""
    low: float | None = None
    """Least value."""
    high: float | None = None
    """Greatest value."""
    choices: tuple[str, ...] = ()
    """The values that are allowed; empty: any."""
    shown: Callable[[Any], Any] = _unchanged
    """The value as it may be shown: without its secrets."""
    by_hand: bool = False
    """Whether it is set by hand alone and never in the page: it names a program that
    is run, or says who is trusted."""
    secret: bool = False
    """Whether it names a file with a secret. The page may replace that secret, and
    never reads it."""


def option(
    default: Any,
    help: str,
    flag: str | None = None,
    metavar: str | None = None,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    shown: Callable[[Any], Any] = _unchanged,
    by_hand: bool = False,
    secret: bool = False,
) -> Any:
    """Declare a dataclass field that a user can set; the parameters are those of
    `Option`.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class Lamp:
    ...     glow: float = option(0.5, "how bright, 0 to 1", "--glow", low=0, high=1)
    """
    described = Option(help, flag, metavar, low, high, choices, shown, by_hand, secret)
    if isinstance(default, (dict, list)):
        return dataclasses.field(
            default_factory=lambda: type(default)(default), metadata={_KEY: described}
        )
    return dataclasses.field(default=default, metadata={_KEY: described})


@dataclass(frozen=True)
class OptionField:
    """One field of a dataclass of options."""

    name: str
    """The field's name, which is the key in the configuration file."""
    kind: type
    """str, int, float, bool, Path, dict (of texts) or tuple (of texts)."""
    optional: bool
    """Whether None is allowed."""
    default: Any
    """The value if it is not set."""
    option: Option
    """What else is known of it."""

    def problem(self, value: Any) -> str | None:
        """What is wrong with a value, in words; None if nothing is."""
        if value is None:
            return None if self.optional else "must be given"
        if self.kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = as_float(value)
        if not isinstance(value, self.kind) or (isinstance(value, bool) and self.kind is not bool):
            wrong = f"must be {_NAMES[self.kind]}"
            # What is hidden where it is right may be a secret where it is wrong.
            may_show = self.option.shown is _unchanged and not self.option.secret
            return f"{wrong}, not {_shown(value)}" if may_show else wrong
        inner: tuple[Any, ...] = ()
        if isinstance(value, (dict, tuple)):
            inner = tuple(value.values()) if isinstance(value, dict) else value
        if not all(isinstance(v, str) for v in inner):
            return "its values must be texts"
        if self.option.choices and value not in self.option.choices:
            return f"must be {' or '.join(self.option.choices)}"
        if isinstance(value, float) and math.isnan(value):
            return "must be a number"
        return self._outside(value) if isinstance(value, (int, float)) else None

    def _outside(self, value: float) -> str | None:
        low, high = self.option.low, self.option.high
        if (low is None or value >= low) and (high is None or value <= high):
            return None
        if low is not None and high is not None:
            return f"must be between {low:g} and {high:g}"
        return f"must be at least {low:g}" if low is not None else f"must be at most {high:g}"

    def from_text(self, text: str) -> Any:
        """Read a value as the environment or the command line gives it. ValueError
        names what is wrong."""
        if self.kind is bool:
            if text.lower() not in _SWITCHES:
                raise ValueError(f"must be {_NAMES[bool]}, not {text!r}")
            return _SWITCHES[text.lower()]
        if self.kind is tuple:
            return tuple(part.strip() for part in text.split(",") if part.strip())
        try:
            return self.kind(text)
        except ValueError:
            raise ValueError(f"must be {_NAMES[self.kind]}, not {text!r}") from None


def as_float(value: int) -> float:
    """A whole number as a float; infinity for one that is too large."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


_NAMES: dict[type, str] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    Path: "a path",
    dict: "a table of texts",
    tuple: "a list of texts",
}
_SWITCHES = {"true": True, "on": True, "1": True, "yes": True}
_SWITCHES |= {"false": False, "off": False, "0": False, "no": False}


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return repr(list(value))
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def option_fields(cls: type) -> Iterator[OptionField]:
    """The options of a dataclass, in its order."""
    hints = typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):
        if _KEY not in field.metadata:
            continue
        hint, optional = hints[field.name], False
        if isinstance(hint, types.UnionType):
            (hint,) = [part for part in typing.get_args(hint) if part is not types.NoneType]
            optional = True
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        kind = typing.get_origin(hint) or hint
        yield OptionField(field.name, kind, optional, default, field.metadata[_KEY])


def check(config: object) -> None:
    """Check every option of a dataclass; for its __post_init__.

    Raises
    ------
    UsageError
        With each fault.
    """
    faults = []
    for one in option_fields(type(config)):
        value = getattr(config, one.name)
        problem = one.problem(value)
        if problem:
            faults.append(Fault(one.name, value, problem))
    if faults:
        raise UsageError(*faults)


def add_flags(group: Any, section: str, cls: type) -> None:
    """Declare the flags of a dataclass of options.

    What the command line gives becomes the argument "section.field"; what it leaves
    out is absent.

    Parameters
    ----------
    group : argparse parser or group
        Where to declare them.
    section : str
        The section's name.
    cls : type
        The dataclass.
    """
    for one in option_fields(cls):
        if one.option.flag is None:
            continue
        common: dict[str, Any] = {"dest": f"{section}.{one.name}", "default": argparse.SUPPRESS}
        if one.kind is bool:
            group.add_argument(one.option.flag, action="store_true", help=one.option.help, **common)
            continue
        default = "" if one.default in (None, "", ()) else f" (default: {_plain(one.default)})"
        group.add_argument(
            one.option.flag,
            type=one.from_text if one.kind is tuple else one.kind,
            metavar=None if one.option.choices else one.option.metavar,
            choices=one.option.choices or None,
            help=one.option.help + default,
            **common,
        )


def given(args: argparse.Namespace, section: str) -> dict[str, Any]:
    """What the command line gives for a section: {field: value}."""
    mark = f"{section}."
    return {name[len(mark) :]: value for name, value in vars(args).items() if name.startswith(mark)}


def from_pairs(cls: type, first: str, text: str, last: str | None = None) -> dict[str, Any]:
    """Read "VALUE,key=value,...", the form in which one flag sets several options.

    Keys are field names with "-" for "_". A field that is a dict takes "Name:Value"
    under its name without the "s"; it may be repeated.

    Parameters
    ----------
    cls : type
        The dataclass of options.
    first : str
        The field that VALUE sets.
    text : str
        What the user wrote.
    last : str or None
        A field whose value is the whole rest of the text, commas included.

    Returns
    -------
    dict of str to Any
        {field: value}.

    Raises
    ------
    UsageError
        For an unknown key or a wrong value.
    """
    fields = {one.name: one for one in option_fields(cls) if one.name != first}
    keys = {(n[:-1] if f.kind is dict else n).replace("_", "-"): f for n, f in fields.items()}
    text, mark, rest = text.partition(f",{last}=") if last else (text, "", "")
    head, *pairs = text.split(",")
    values: dict[str, Any] = {first: head, **({str(last): rest} if mark else {})}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if key not in keys or not equals or not value:
            raise UsageError(f"{pair} is none of {', '.join(f'{k}=' for k in keys)}")
        field = keys[key]
        if field.kind is dict:
            name, _, content = value.partition(":")
            values.setdefault(field.name, {})[name.strip()] = content.strip()
            continue
        try:
            values[field.name] = field.from_text(value)
        except ValueError as error:
            raise UsageError(f"{pair}: {error}") from None
        problem = field.problem(values[field.name])
        if problem:
            raise UsageError(f"{pair}: {problem}")
    return values
