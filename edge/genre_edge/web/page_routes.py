"""The page's own files, and what the server writes into them."""

from __future__ import annotations

import hashlib
import html
import json
import secrets
from pathlib import Path

from flask import Flask, Response, abort, send_file, send_from_directory

from ..demo import clip_path
from .guard import CONTENT_SECURITY_POLICY

STATIC = Path(__file__).parent / "static"
"""The files of the page."""
VENDOR = Path(__file__).parent / "vendor"
"""Libraries of the page; script/web downloads them, a fresh checkout has none."""
LANGUAGES = STATIC / "languages"
"""What the page says: a JSON file a language, named by its code."""


def languages() -> dict[str, str]:
    """The page's languages: {code: what it calls itself}."""
    found = sorted(LANGUAGES.glob("*.json"))
    return {path.stem: json.loads(path.read_bytes())["language.name"] for path in found}


def kept_files() -> list[Path]:
    """What the service worker keeps: all of the page but the examples and itself."""
    found = [*STATIC.glob("*.*"), *LANGUAGES.glob("*.json"), *VENDOR.glob("*.min.css")]
    found += VENDOR.glob("*.js")
    return sorted(path for path in found if path.name != "sw.js")


def _hash(files: list[Path]) -> str:
    content = hashlib.sha256()
    for path in files:
        content.update(path.read_bytes())
    return content.hexdigest()[:16]


def page_text(path: Path) -> str:
    """An HTML page with what it needs to know of the languages."""
    listed = html.escape(json.dumps(languages()))
    return path.read_text(encoding="utf-8").replace("@LANGUAGES@", listed)


def add_page(app: Flask) -> None:
    """Add the page and its files."""
    add_files(app)

    @app.get("/")
    def page() -> Response:
        # The waveform library adds a style sheet of its own. The nonce allows that one
        # and no other.
        nonce = secrets.token_urlsafe(16)
        text = page_text(STATIC / "index.html").replace("@NONCE@", nonce)
        answer = Response(text, mimetype="text/html")
        policy = CONTENT_SECURITY_POLICY.replace(
            "style-src 'self'", f"style-src 'self' 'nonce-{nonce}'"
        )
        answer.headers["Content-Security-Policy"] = policy
        return answer

    @app.get("/sw.js")
    def service_worker() -> Response:
        # It is above the other files: it may keep only what is beside it or below.
        text = (STATIC / "sw.js").read_text(encoding="utf-8")
        files = kept_files()
        text = text.replace("@VERSION@", _hash(files))
        names = ["./", *(path.relative_to(STATIC.parent).as_posix() for path in files)]
        return Response(text.replace('["@FILES@"]', json.dumps(names)), mimetype="text/javascript")

    @app.get("/api/demo.flac")
    def demo() -> Response:
        return send_file(clip_path(), mimetype="audio/flac", max_age=3600)


def add_files(app: Flask) -> None:
    """Add what pages load: scripts, style, languages, libraries."""

    @app.get("/static/<path:name>")
    def static_file(name: str) -> Response:
        # Asked for again each time: modules of two versions must never meet.
        kind = "application/manifest+json" if name.endswith(".webmanifest") else None
        return send_from_directory(STATIC, name, max_age=0, mimetype=kind)

    @app.get("/vendor/<path:name>")
    def vendor_file(name: str) -> Response:
        if not VENDOR.is_dir():
            abort(404, "the libraries of the page are missing; run script/web to download them")
        return send_from_directory(VENDOR, name, max_age=3600)
