"""Builds genre-edge; its metadata is in pyproject.toml.

Three source roots hold the packages, and models/ is one itself. A build also generates
shell completion and fetches the web page's libraries. Where it cannot, it says why and
goes on.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build import build

HERE = Path(__file__).parent
PACKAGES = {
    package: f"{root}/{package.replace('.', '/')}"
    for root in ("edge", "train", "convert")
    for package in find_packages(str(HERE / root))
}
PACKAGES["genre_edge_models"] = "models"
PACKAGES["beetsplug"] = "edge/beetsplug"  # a folder that many distributions put files into
FETCH_SECONDS = 120
"""Longest time for fetching the page's libraries, s."""


class Build(build):
    """Makes what is in no version control before anything is copied."""

    def run(self) -> None:
        shutil.rmtree(self.build_lib, ignore_errors=True)  # else it is packed again
        self.fetch_web_libraries()
        self.generate_completions()
        super().run()

    def fetch_web_libraries(self) -> None:
        try:
            subprocess.run(
                [str(HERE / "script/web")],
                stdout=sys.stderr,
                stdin=subprocess.DEVNULL,
                timeout=FETCH_SECONDS,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            self.warn(f"the page will lack waveforms and charts: script/web: {error}")

    def generate_completions(self) -> None:
        sys.path[:0] = [str(HERE / "script"), str(HERE / "edge")]
        try:
            import completions

            files = completions.write(Path("build/share"))
        except (ImportError, OSError) as error:
            self.warn(f"no shell completion: {error}")
            return
        self.distribution.data_files = [
            (str(file.parent.relative_to("build")), [str(file)]) for file in files
        ]


setup(packages=list(PACKAGES), package_dir=PACKAGES, cmdclass={"build": Build})
