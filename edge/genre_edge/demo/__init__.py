"""The demo clip: this project's own work, made by `synth.py` and stored as FLAC."""

from importlib import resources
from pathlib import Path


def clip_path() -> Path:
    """The clip that comes with the package."""
    return Path(str(resources.files(__name__) / "demo.flac"))
