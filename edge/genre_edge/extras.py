"""How to install what an optional part of the program needs.

The program is in no package index: an install line names the checkout that it runs
from, or, where it was installed from a wheel, the missing packages themselves.
"""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

DISTRIBUTION = "genre-edge"

EXTRA_OF = {
    "apprise": "notify",
    "cryptography": "sign",
    "dask": "library",
    "distributed": "library",
    "flask": "web",
    "fsspec": "library",
    "jinja2": "library",
    "keras": "train",
    "matplotlib": "plot",
    "mutagen": "tag",
    "onnx": "onnx",
    "onnxruntime": "onnx",
    "paho": "mqtt",
    "psycopg": "collect",
    "pyarrow": "parquet",
    "pyaudio": "mic",
    "s3fs": "s3",
    "sklearn": "train",
    "tensorboard": "train",
    "tensorflow": "train",
    "tf2onnx": "onnx",
    "waitress": "web",
    "werkzeug": "web",
    "zeroconf": "mdns",
}
"""Each optional package, as it is imported, and the extra that brings it."""


def install_line(extra: str) -> str:
    """The command that installs an extra into the environment of this program.

    Parameters
    ----------
    extra
        An optional part, as pyproject.toml names it: "mic", "mqtt", "web", ...

    Examples
    --------
    In a checkout::

        pip install --editable '/home/me/genre-edge[mqtt]'

    Where a wheel was installed::

        pip install 'paho-mqtt<3,>=2.1'
    """
    root = checkout()
    if root is not None:
        return pip_line("--editable", f"{root}[{extra}]")
    return pip_line(*_requirements(extra))


def remedy(error: ModuleNotFoundError) -> str | None:
    """What to install where an optional package is missing; None if it is none of
    them."""
    package = (error.name or "").split(".")[0]
    if package not in EXTRA_OF:
        return None
    return f"{package} is not installed: {install_line(EXTRA_OF[package])}"


def pip_line(*arguments: str) -> str:
    """`pip install` with the pip of this program's environment, as a shell takes it."""
    found = shutil.which("pip")
    is_ours = found is not None and Path(found).parent == Path(sys.executable).parent
    pip = ["pip"] if is_ours else [sys.executable, "-m", "pip"]
    return shlex.join([*pip, "install", *arguments])


def checkout() -> Path | None:
    """The folder of the checkout that this program runs from; None if it is
    installed."""
    root = Path(__file__).absolute().parents[2]
    return root if (root / "pyproject.toml").is_file() and (root / "setup.py").is_file() else None


def _requirements(extra: str) -> list[str]:
    from importlib.metadata import PackageNotFoundError, requires

    try:
        return needed_by(extra, requires(DISTRIBUTION) or ())
    except PackageNotFoundError:  # copied by hand: nothing says what the extra needs
        return [f"{DISTRIBUTION}[{extra}]"]


def needed_by(extra: str, requirements: Iterable[str]) -> list[str]:
    """The packages of an extra, from a distribution's requirements.

    Examples
    --------
    >>> needed_by("mqtt", ["numpy>=1.26", 'paho-mqtt>=2.1; extra == "mqtt"'])
    ['paho-mqtt>=2.1']
    """
    found = []
    for requirement in requirements:
        package, _, marker = requirement.partition(";")
        if re.search(rf"""extra == ["']{re.escape(extra)}["']""", marker):
            found.append(package.strip())
    return found
