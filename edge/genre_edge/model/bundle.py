"""One file that carries a whole model: the TFLite flatbuffer, then a ZIP with what
belongs to it.

The layout follows the TFLite Metadata convention of associated files: interpreters load
such a file as it is, `unzip -l` lists it. Members: `labels.txt` (one label a line),
`genre_edge.json`, and in models that can be taught `negatives.bin` (embeddings of
sounds that are none of a user's labels).
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from ..errors import BundleError, GenreEdgeError, os_reason
from ..files import write_atomically
from ..settings.places import own_models
from .bundle_checks import (
    check_meaning,
    checked_labels,
    checked_metrics,
    checked_name,
    checked_table,
    shown,
)
from .bundle_info import (
    DEFAULT_LAYOUT,
    DEFAULT_OUTPUT,
    LAYOUTS,
    OUTPUTS,
    SCHEMA_VERSION,
    BundleInfo,
    mapped,
)
from .bundle_members import (
    AUDIO_IN,
    LABELS,
    METADATA,
    NEGATIVES,
    SIGNATURE,
    file_content,
    holds_nothing_else,
    parsed,
    read_members,
)
from .frontend_spec import FrontendSpec
from .music_score import checked_music
from .signature import signature_of, signer

_FLATBUFFER_ID = b"TFL3"
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
"""ZIP's earliest date. With no other date in it, the same content gives the same
bytes."""


@dataclass(frozen=True)
class Bundle:
    """An opened and verified bundle."""

    path: str
    """The file."""
    info: BundleInfo
    """What the bundle says of itself."""
    flatbuffer: bytes
    """The network, as a TFLite model."""
    sha256: str
    """SHA-256 of the flatbuffer, in hexadecimal."""
    signed_by: str = ""
    """The public key that signed it; empty where it is not signed, or where signatures
    cannot be checked."""
    negatives: bytes = b""
    """The member NEGATIVES; empty if there is none."""


def write_bundle(path: Path, flatbuffer: bytes, info: BundleInfo, negatives: bytes = b"") -> None:
    """Write a bundle. An existing file is replaced only when the new one is complete
    and on the disk.

    Parameters
    ----------
    path
        The file to write.
    flatbuffer
        The network, as a TFLite model.
    info
        What the bundle says of itself.
    negatives
        The member NEGATIVES; empty leaves it out.
    """
    described = info.to_dict()
    described["flatbuffer"] = {
        "bytes": len(flatbuffer),
        "sha256": hashlib.sha256(flatbuffer).hexdigest(),
    }
    if negatives:
        described["negatives"] = hashlib.sha256(negatives).hexdigest()
    content = io.BytesIO(flatbuffer)
    with zipfile.ZipFile(content, "a", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, LABELS, "\n".join(info.output_names) + "\n")
        _add(archive, METADATA, json.dumps(described, indent=1, sort_keys=False))
        if negatives:
            _add(archive, NEGATIVES, negatives)
    write_atomically(path, content.getvalue(), durable=True)


def _add(archive: zipfile.ZipFile, name: str, content: bytes | str) -> None:
    """Add a member. What is for people stays readable; the rest is packed."""
    method = zipfile.ZIP_DEFLATED if name == NEGATIVES else zipfile.ZIP_STORED
    archive.writestr(zipfile.ZipInfo(name, ZIP_EPOCH), content, method, compresslevel=9)


def read_bundle(path: str | os.PathLike[str]) -> Bundle:
    """Open and verify a bundle.

    Raises
    ------
    BundleError
        If the file cannot be read, is no bundle, is of a newer schema, or has changed
        since it was written. The message names the file.
    """
    name = os.fspath(path)
    try:
        content = file_content(name)
    except OSError as error:
        raise BundleError(f"{name}: {os_reason(error)}") from None
    if content[4:8] != _FLATBUFFER_ID:
        raise BundleError(
            f"{name}: is not a TFLite model (genre-convert makes bundles from Keras models)"
        )
    members = read_members(name, content)
    if AUDIO_IN in members:
        raise BundleError(
            f"{name}: takes samples, for browsers, phones and MediaPipe: use the bundle "
            "that it was made from"
        )
    try:
        described = parsed(members[METADATA])
    except ValueError as error:
        raise BundleError(f"{name}: its {METADATA} is not valid ({shown(error)})") from None
    verified = _verified(name, content, described)
    negatives = members.get(NEGATIVES, b"")
    sha256 = hashlib.sha256(negatives).hexdigest() if negatives else None
    if sha256 != described.get("negatives"):
        raise BundleError(f"{name}: its {NEGATIVES} is not the one it was written with")
    signed_by = signer(name, members)
    if signed_by and not holds_nothing_else(content, len(verified.flatbuffer)):
        raise BundleError(f"{name}: holds more than what was signed; it was changed")
    return replace(verified, signed_by=signed_by, negatives=negatives)


def sign_bundle(source: str, target: Path, private_key: bytes) -> str:
    """Write a bundle again, signed.

    Parameters
    ----------
    source
        The bundle; a signature that it has is replaced.
    target
        The file to write; it may be the same.
    private_key
        As `signature.signature_of` takes it.

    Returns
    -------
    str
        The public key.

    Raises
    ------
    BundleError
        If the bundle is none.
    UsageError
        If the key is none.
    """
    bundle = read_bundle(source)
    members = read_members(source, file_content(source))
    members[SIGNATURE] = signature_of(members, private_key)
    content = io.BytesIO(bundle.flatbuffer)
    with zipfile.ZipFile(content, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, member in members.items():
            _add(archive, name, member)
    write_atomically(target, content.getvalue(), durable=True)
    return signer(str(target), members)


def _verified(name: str, content: bytes, described: Any) -> Bundle:
    try:
        version = described["schema_version"]
        if version not in range(1, SCHEMA_VERSION + 1):
            raise BundleError(
                f"{name}: bundle schema {shown(version)}, this program reads 1 to "
                f"{SCHEMA_VERSION}; update genre-edge"
            )
        flatbuffer = content[: described["flatbuffer"]["bytes"]]
        sha256 = hashlib.sha256(flatbuffer).hexdigest()
        if sha256 != described["flatbuffer"]["sha256"]:
            raise BundleError(
                f"{name}: is damaged (its SHA-256 is not the one it was written with)"
            )
        info = BundleInfo(
            name=checked_name(described["name"]),
            labels=checked_labels(described["labels"]),
            frontend=_frontend(described["frontend"], version),
            layout=_one_of(tuple(LAYOUTS), described.get("layout", DEFAULT_LAYOUT)),
            output=_one_of(tuple(OUTPUTS), described.get("output", DEFAULT_OUTPUT)),
            quantisation=_table(described, "quantisation"),
            trained_on=_table(described, "trained_on"),
            conversion=_table(described, "conversion"),
            metrics=checked_metrics(described.get("metrics", {})),
            embedding=checked_name(described.get("embedding", "")),
            music=checked_music(described.get("music", {}), len(described["labels"])),
            **mapped(described),
        )
        check_meaning(info.labels)
        if info.version > version:
            raise ValueError(f"schema {version} has no such model, it needs {info.version}")
    except BundleError:
        raise
    except GenreEdgeError as error:
        raise BundleError(f"{name}: {shown(error)}") from None
    except KeyError as error:
        raise BundleError(f"{name}: its {METADATA} is not valid (no {shown(error)})") from None
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        raise BundleError(f"{name}: its {METADATA} is not valid ({shown(error)})") from None
    return Bundle(name, info, flatbuffer, sha256)


def _table(described: Any, name: str) -> Mapping[str, Any]:
    return checked_table(name, described.get(name, {}))


def _frontend(values: Mapping[str, Any], version: int) -> FrontendSpec:
    """The front-end of a bundle of this schema. UsageError, ValueError."""
    spec = FrontendSpec.from_dict(values)
    if spec.version > version:
        raise ValueError(f"schema {version} has no such front-end, it needs {spec.version}")
    return spec


def _one_of(known: tuple[str, ...], value: Any) -> str:
    if value not in known:
        raise ValueError(f"{value!r} is none of {', '.join(known)}")
    return str(value)


def find_model(model: str) -> str:
    """The path of a bundle.

    Parameters
    ----------
    model
        A path, or the name of a shipped bundle or of one in the user's models folder. A
        file of that name comes first, then a shipped bundle.

    Raises
    ------
    BundleError
        If `model` is none of these; the message lists what there is.
    """
    known = {**own_models(), **shipped_models()}
    if model in known and not os.path.isfile(model):
        return known[model]
    if os.path.exists(model) or os.sep in model or model.endswith(".tflite"):
        return model
    own = own_models()
    yours = f"; yours: {', '.join(own)}" if own else ""
    raise BundleError(
        f"{model}: no such model; shipped: {', '.join(shipped_models())}{yours}; or give a "
        ".tflite file"
    )


def shipped_models() -> dict[str, str]:
    """The bundles that come with the package: {name: path}."""
    try:
        folder = Path(str(resources.files("genre_edge_models")))
    except ModuleNotFoundError:
        return {}
    return {
        path.name.removesuffix(".tflite"): str(path) for path in sorted(folder.glob("*.tflite"))
    }
