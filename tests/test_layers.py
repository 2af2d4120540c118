"""The rules of the house: imports run one way, and importing the package is light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EDGE = ROOT / "edge" / "genre_edge"

LAYERS = [
    ["version", "errors", "quiet", "health", "log"],
    ["records", "settings", "audio", "model", "demo"],
    ["judge"],
    ["sinks", "live"],
    ["bench"],
    ["web"],
    ["service"],
    ["commands"],
    ["cli"],
    ["__main__", "__init__"],
]
"""From low to high: a module imports from lower layers and its own package only."""

RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
WEB = {"flask", "waitress", "werkzeug"}
LATE = {
    "flask",
    "waitress",
    "werkzeug",
    "paho",
    "matplotlib",
    "soundfile",
    "soxr",
    "tqdm",
    "pyaudio",
    "ai_edge_litert",
    "tflite_runtime",
    "tensorflow",
}
"""Heavy or optional: imported where they are used, never at the top of a module."""


def room(path: Path) -> str:
    return path.relative_to(EDGE).parts[0].removesuffix(".py")


def imported(tree: ast.AST, path: Path) -> list[str]:
    """Rooms of genre_edge that a module imports, at any depth."""
    package = ("genre_edge", *path.relative_to(EDGE).with_suffix("").parts[:-1])
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1] + tuple((node.module or "").split("."))
            names = [base[1]] if len(base) > 1 and base[1] else [alias.name for alias in node.names]
            found += names
    return found


@pytest.mark.parametrize("path", sorted(EDGE.rglob("*.py")), ids=lambda p: str(p.relative_to(EDGE)))
def test_imports_run_from_high_to_low(path: Path) -> None:
    here = room(path)
    for other in imported(ast.parse(path.read_text()), path):
        assert other in RANK, f"{other} has no layer"
        assert other == here or RANK[other] <= RANK[here], f"{here} imports {other}"


@pytest.mark.parametrize("path", sorted(EDGE.rglob("*.py")), ids=lambda p: str(p.relative_to(EDGE)))
def test_heavy_packages_are_imported_late(path: Path) -> None:
    for node in ast.parse(path.read_text()).body:
        names = (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom) and not node.level
            else []
        )
        for name in names:
            if room(path) == "web" and name.split(".")[0] in WEB:
                continue  # the room itself is imported late
            assert name.split(".")[0] not in LATE
            assert not name.startswith("scipy.signal")


def test_training_and_conversion_never_import_each_other() -> None:
    for folder, other in (("train", "genre_edge_convert"), ("convert", "genre_edge_train")):
        for path in (ROOT / folder).rglob("*.py"):
            assert other not in path.read_text(), path
    for path in EDGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                assert "genre_edge_train" not in ast.dump(node), path
                assert "genre_edge_convert" not in ast.dump(node), path


def loaded_after(code: str) -> set[str]:
    result = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(result.stdout.split())


def test_importing_the_package_is_light() -> None:
    loaded = loaded_after("import genre_edge")
    assert not loaded & {"tensorflow", "librosa", "pyaudio", "scipy", "numpy", "soundfile"}


def test_classifying_loads_nothing_it_does_not_need(demo_clip) -> None:
    loaded = loaded_after(
        f"from genre_edge.cli import main; main(['classify', {str(demo_clip)!r}, '--format', "
        "'csv'])"
    )
    heavy = {
        "tensorflow",
        "keras",
        "librosa",
        "pyaudio",
        "scipy.signal",
        "sklearn",
        "matplotlib",
        "flask",
        "paho",
    }
    assert not loaded & heavy


def test_no_file_is_too_long_to_read() -> None:
    for folder in ("edge", "train", "convert"):
        for path in (ROOT / folder).rglob("*.py"):
            assert len(path.read_text().splitlines()) <= 320, path
