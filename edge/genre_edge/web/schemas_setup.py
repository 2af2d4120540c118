"""JSON schemas of what settings and setup are asked and answer."""

from __future__ import annotations

from .schema_parts import INTEGER, NUMBER, TEXT, Json, described, object_of, or_null, ref

_TEXTS: Json = {"type": "array", "items": TEXT}
_FLAG: Json = {"type": "boolean"}
_SETTING = object_of(
    key=described(TEXT, "section.option"),
    help=TEXT,
    kind={"enum": ["text", "integer", "number", "switch", "list", "choice", "secret", "other"]},
    value={"description": "What is in force; null if it is not set; of a secret whether it is."},
    default={"description": "What is in force without it."},
    low=or_null(NUMBER),
    high=or_null(NUMBER),
    choices=_TEXTS,
    is_hidden=described(_FLAG, "Whether value is without its secrets."),
    set_by={"enum": ["default", "file", "environment", "command line", "signed settings"]},
    place=described(TEXT, "Where it was set."),
    fixed=described(TEXT, "Why it cannot be changed here; empty if it can."),
    at_once=described(_FLAG, "Whether a change takes effect without a new start."),
)
_SETTINGS = object_of(
    file=described(TEXT, "The configuration file."),
    version=described(TEXT, "Of the file; the ETag too."),
    is_first=described(_FLAG, "Whether there is no file yet, and this page may write it."),
    can_undo=_FLAG,
    refusal=described(TEXT, "Why nothing may be changed here; empty if it may."),
    tables={
        "type": "array",
        "items": object_of(
            name=TEXT,
            title=TEXT,
            count=described(INTEGER, "How many there are, of tables that may be repeated."),
            settings={"type": "array", "items": _SETTING},
        ),
    },
)
SETUP_SCHEMAS: Json = {
    "Settings": _SETTINGS,
    "SettingsChange": object_of(
        changes={
            "type": "object",
            "minProperties": 1,
            "description": '{"section.option": value}; null takes an option out of the file.',
        }
    ),
    "ChangedSettings": object_of(
        settings=ref("Settings"),
        now=described(_TEXTS, "What has taken effect."),
        later=described(_TEXTS, "What takes effect at the next start."),
    ),
    "Microphones": object_of(
        devices={
            "type": "array",
            "items": object_of(
                token=described(TEXT, "What [microphone] device takes."),
                index=INTEGER,
                name=TEXT,
                channels=INTEGER,
                rates=described({"type": "array", "items": INTEGER}, "Hz; empty: busy."),
                default=_FLAG,
                why=described(or_null(TEXT), "Why it is the default; null if it is not."),
            ),
        },
        used=described(or_null(TEXT), "The token of the one that is heard."),
        trouble=described(TEXT, "Why there is none; empty if there is one."),
    ),
    "InstalledModel": object_of(
        name=described(TEXT, "What [model] model takes."),
        labels=_TEXTS,
        bytes=INTEGER,
        is_own=described(_FLAG, "Whether it lies in the user's models folder."),
    ),
    "Brokers": object_of(
        brokers={
            "type": "array",
            "items": object_of(name=TEXT, url=described(TEXT, "What [mqtt] url takes.")),
        },
        trouble=described(TEXT, "Why none could be looked for; empty if they were."),
    ),
    "BrokerToTry": {
        "type": "object",
        "required": ["url"],
        "properties": {
            "url": TEXT,
            "password": described(or_null(TEXT), "Without it that of the configured broker."),
        },
    },
    "TriedBroker": object_of(
        problem=described(TEXT, "What is wrong; empty if the broker can be used."),
        kind={"enum": ["ok", "closed", "unknown", "denied", "silent", "tls", "other"]},
    ),
}
"""JSON schema of each of them."""
