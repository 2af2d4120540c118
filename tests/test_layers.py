"""The rules of the house: imports run one way, and importing the package is light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EDGE = ROOT / "edge" / "genre_edge"
PLAN = ROOT / "docs" / "architecture.md"
"""Its list of modules is the rule: a lower line imports from higher ones."""


def planned() -> dict[str, int]:
    """Place in the plan of each module, "edge/genre_edge/audio/level.py" say."""
    text = PLAN.read_text().split("```text\n")[1].split("```")[0]
    places: dict[str, int] = {}
    folders: list[str] = []
    for line in text.splitlines():
        name = line.split()[0]
        depth = (len(line) - len(line.lstrip())) // 2
        folders = [*folders[:depth], name]
        if name.endswith(".py"):
            places["".join(folders)] = len(places)
        else:
            places["".join(folders) + "__init__.py"] = len(places)
    return places


PLACES = planned()
MODULES = sorted(
    path
    for root in ("edge/genre_edge", "train/genre_edge_train", "convert/genre_edge_convert")
    for path in (ROOT / root).rglob("*.py")
)


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


WEB = {"flask", "waitress", "werkzeug"}
LATE = {
    "flask",
    "waitress",
    "werkzeug",
    "paho",
    "apprise",
    "matplotlib",
    "dask",
    "distributed",
    "fsspec",
    "mutagen",
    "pyarrow",
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


def imported(path: Path) -> set[Path]:
    """Modules of the same package that a module imports, not for types alone."""
    source = next(p for p in path.parents if p.parent.name in ("edge", "train", "convert"))
    found = set()
    skipped: set[ast.AST] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            skipped |= set(ast.walk(node))
        if not isinstance(node, ast.ImportFrom) or node in skipped:
            continue
        if node.level:
            base = path.parents[node.level - 1]
        elif (node.module or "").split(".")[0] == source.name:
            base = source.parent
        else:
            continue
        base = base.joinpath(*(node.module or "").split(".")) if node.module else base
        for alias in node.names:
            named = base / alias.name
            found.add(next(p for p in _files_of(named, base) if p.is_file()))
    return found - {path}


def _files_of(named: Path, base: Path) -> list[Path]:
    """Where an imported name may come from, the likeliest first."""
    return [
        named.with_suffix(".py"),
        named / "__init__.py",
        base.with_suffix(".py"),
        base / "__init__.py",
    ]


def test_the_plan_lists_every_module_and_no_other() -> None:
    here = {shown(path) for path in MODULES}
    listed = {name for name in PLACES if not name.startswith("models/")}
    assert listed == here, f"{PLAN.name}: {sorted(listed ^ here)}"


@pytest.mark.parametrize("path", MODULES, ids=shown)
def test_imports_run_from_low_to_high_in_the_plan(path: Path) -> None:
    if path == EDGE / "__init__.py":
        return  # the face: it imports when asked
    here = PLACES[shown(path)]
    for other in imported(path):
        assert PLACES[shown(other)] < here, f"{shown(path)} imports {shown(other)}"


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
            if room(path) in ("web", "fleet_page") and name.split(".")[0] in WEB:
                continue  # these rooms themselves are imported late
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
