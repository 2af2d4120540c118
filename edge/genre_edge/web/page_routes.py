"""The page's own files, and what the server writes into them."""

from __future__ import annotations

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


def languages() -> list[str]:
    """Codes of the page's languages."""
    return sorted(path.stem for path in LANGUAGES.glob("*.json"))


def add_page(app: Flask) -> None:
    """Add the page and its files."""

    @app.get("/")
    def page() -> Response:
        # The waveform library adds a style sheet of its own. The nonce allows that one
        # and no other.
        nonce = secrets.token_urlsafe(16)
        text = (STATIC / "index.html").read_text(encoding="utf-8").replace("@NONCE@", nonce)
        text = text.replace("@LANGUAGES@", " ".join(languages()))
        answer = Response(text, mimetype="text/html")
        policy = CONTENT_SECURITY_POLICY.replace(
            "style-src 'self'", f"style-src 'self' 'nonce-{nonce}'"
        )
        answer.headers["Content-Security-Policy"] = policy
        return answer

    @app.get("/static/<path:name>")
    def static_file(name: str) -> Response:
        return send_from_directory(STATIC, name, max_age=3600)

    @app.get("/vendor/<path:name>")
    def vendor_file(name: str) -> Response:
        if not VENDOR.is_dir():
            abort(404, "the libraries of the page are missing; run script/web to download them")
        return send_from_directory(VENDOR, name, max_age=3600)

    @app.get("/api/demo.flac")
    def demo() -> Response:
        return send_file(clip_path(), mimetype="audio/flac", max_age=3600)
