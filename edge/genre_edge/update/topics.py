"""Where statements and bundles are: topics of a broker, and files that a web server
serves.

<prefix>-updates/model/GROUP      retained, a statement about a model
<prefix>-updates/settings/GROUP   retained, a statement about settings
<prefix>-updates/bundle/SHA256    retained, the model's file

They lie beside the topics of devices, so that a broker's rules can let devices read
them and nobody but the publisher write them.

In a folder: model.signed, settings.signed and SHA256.tflite.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from ..settings.source_table import topic_of
from ..statement import MODEL, SETTINGS

KINDS = (MODEL, SETTINGS)
"""What statements are about, each with topics and a file of its own."""
MOST_MESSAGE_BYTES = 32 << 20
"""Most that a bundle may have that goes through a broker, bytes."""
_EVERYBODY = "all"


def root_of(prefix: str) -> str:
    """What the topics of updates begin with, beside the devices' own under `prefix`."""
    return f"{prefix}-updates"


def statement_topic(prefix: str, kind: str, devices: Sequence[str]) -> str:
    """The topic of a statement: a later one for the same devices takes its place.

    Examples
    --------
    >>> statement_topic("genre-edge", "model", ["*"])
    'genre-edge-updates/model/all'
    >>> statement_topic("genre-edge", "model", ["kitchen"])
    'genre-edge-updates/model/kitchen'
    >>> statement_topic("genre-edge", "model", ["kitchen", "floor-*"])
    'genre-edge-updates/model/e7f16893'
    """
    names = sorted(set(devices))
    if names == ["*"]:
        group = _EVERYBODY
    elif len(names) == 1 and names[0] == topic_of(names[0]) != _EVERYBODY:
        group = names[0]
    else:
        group = f"{zlib.crc32(' '.join(names).encode()):08x}"
    return f"{root_of(prefix)}/{kind}/{group}"


def statement_filter(prefix: str, kind: str) -> str:
    """The filter of the topics of all statements of a kind."""
    return f"{root_of(prefix)}/{kind}/+"


def bundle_topic(prefix: str, sha256: str) -> str:
    """The topic of a bundle."""
    return f"{root_of(prefix)}/bundle/{sha256}"


def statement_file(kind: str) -> str:
    """The name of a statement's file."""
    return f"{kind}.signed"


def bundle_file(sha256: str) -> str:
    """The name of a bundle's file."""
    return f"{sha256}.tflite"
