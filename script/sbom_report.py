"""The bill of materials of a wheel: CycloneDX 1.6, JSON. The same wheel gives the same
bytes.

    python script/sbom_report.py WHEEL REQUIREMENTS

Source: https://cyclonedx.org/docs/1.6/json/
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import Any


def bill(wheel: Path, requirements: Path) -> dict[str, Any]:
    """Describe a wheel, the files of others in it, and what it needs.

    Parameters
    ----------
    wheel
        The wheel.
    requirements
        The packages that it is installed with, each with the hashes of its files.
    """
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [one for one in archive.namelist() if one.endswith(".dist-info/METADATA")]
        about = Parser().parsestr(archive.read(name).decode())
        vendored = [one for one in archive.namelist() if "/web/vendor/" in one]
        libraries = [_library(one, archive.read(one)) for one in sorted(vendored)]
    packages = [_package(*one) for one in _locked(requirements.read_text(encoding="utf-8"))]
    root = _component("library", about["Name"], about["Version"])
    root["licenses"] = [{"expression": about["License-Expression"]}]
    root["hashes"] = [_hash(hashlib.sha256(wheel.read_bytes()).hexdigest())]
    needed = [one["bom-ref"] for one in packages + libraries]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": root},
        "components": packages + libraries,
        "dependencies": [
            {"ref": root["bom-ref"], "dependsOn": needed},
            *({"ref": one} for one in needed),
        ],
    }


def _component(kind: str, name: str, version: str) -> dict[str, Any]:
    place = f"pkg:pypi/{re.sub(r'[-_.]+', '-', name).lower()}@{version}"
    return {"type": kind, "bom-ref": place, "name": name, "version": version, "purl": place}


def _package(name: str, version: str, hashes: list[str]) -> dict[str, Any]:
    """One package; its hashes are those of its files for all platforms."""
    files = [{"type": "distribution", "url": f"urn:sha256:{one}"} for one in hashes]
    for entry, found in zip(files, hashes, strict=True):
        entry["hashes"] = [_hash(found)]  # type: ignore[assignment]
    return {**_component("library", name, version), "externalReferences": files}


def _library(path: str, content: bytes) -> dict[str, Any]:
    """A file of the page that others have written."""
    return {
        "type": "file",
        "bom-ref": f"file:{path}",
        "name": path,
        "hashes": [_hash(hashlib.sha256(content).hexdigest())],
    }


def _hash(content: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": content}


def _locked(text: str) -> list[tuple[str, str, list[str]]]:
    """Name, version and hashes of each package of a requirements file."""
    found = []
    for entry in re.split(r"(?m)^(?=[A-Za-z0-9])", text):
        pinned = re.match(r"([\w.-]+)==([^\s;]+)", entry)
        if pinned:
            found.append((pinned[1], pinned[2], re.findall(r"sha256:([0-9a-f]{64})", entry)))
    return found


if __name__ == "__main__":
    print(json.dumps(bill(Path(sys.argv[1]), Path(sys.argv[2])), indent=1))
