"""Music genre recognition at the edge.

    model = genre_edge.load()
    verdict = model.classify(samples, sample_rate)
    verdict.genre, verdict.confidence, verdict.scores, verdict.windows

`__all__` lists the names that are promised; docs/python.md in the repository explains
them. Every other module is private and may change with any version.

Importing this package is cheap on purpose: a name is imported when it is first used, so
numpy, the interpreter and everything else heavy wait until then. Type checkers read the
names from `__init__.pyi`.
"""

from __future__ import annotations

from typing import Any

from .version import __version__

_MODULES = {
    "AudioError": "errors",
    "BundleError": "errors",
    "DeviceBusyError": "errors",
    "DeviceChoiceError": "errors",
    "DeviceError": "errors",
    "GenreEdgeError": "errors",
    "Model": "api",
    "ModelError": "errors",
    "RuntimeMissing": "errors",
    "Stream": "api",
    "UsageError": "errors",
    "Verdict": "api",
    "Window": "api",
    "load": "api",
}
"""The module of each promised name."""

__all__ = ["__version__", *_MODULES]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f".{_MODULES[name]}", __name__), name)
    globals()[name] = value  # found at once from now on
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
