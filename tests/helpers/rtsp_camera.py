"""A camera: an RTSP server with a picture and a microphone that hears a tone, or with
the microphone alone. GStreamer's server does the work, so this runs with the system's
Python, which has its bindings:

    /usr/bin/python3 rtsp_camera.py [--user NAME --password WORD] [--no-video]

prints the port when it serves.
"""

from __future__ import annotations

import argparse
import subprocess
from functools import cache

SYSTEM_PYTHON = "/usr/bin/python3"
VIDEO = (
    "videotestsrc is-live=true ! video/x-raw,format=I420,width=64,height=48,framerate=5/1 ! jpegenc"
)
AUDIO = "audiotestsrc is-live=true freq=441 volume=0.1 ! audio/x-raw,rate=8000,channels=1 ! alawenc"


@cache
def installed() -> bool:
    """Whether Debian's gir1.2-gst-rtsp-server-1.0 and its like are there."""
    code = "import gi; gi.require_version('GstRtspServer', '1.0')"
    try:
        return not subprocess.run([SYSTEM_PYTHON, "-c", code], capture_output=True).returncode
    except OSError:
        return False


class Camera:
    """The server in a process of its own; after `kill` it can be started again, on the
    same port."""

    def __init__(self, *arguments: str) -> None:
        self._arguments, self.port = arguments, 0
        self._process: subprocess.Popen[str] | None = None
        self.start()

    def start(self) -> None:
        """Start it, and wait until it serves."""
        command = [SYSTEM_PYTHON, __file__, "--port", str(self.port), *self._arguments]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def kill(self) -> None:
        """It is gone without a word."""
        assert self._process is not None and self._process.stdout is not None
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


def main() -> None:
    """Serve until killed."""
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstRtspServer

    parser = argparse.ArgumentParser()
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--port", default="0")
    parser.add_argument("--no-video", action="store_true")
    args = parser.parse_args()
    Gst.init(None)
    server = GstRtspServer.RTSPServer(service=args.port)
    server.set_address("127.0.0.1")
    factory = GstRtspServer.RTSPMediaFactory()
    audio_number = 0 if args.no_video else 1
    video = "" if args.no_video else f"{VIDEO} ! rtpjpegpay name=pay0 pt=26 "
    factory.set_launch(f"( {video}{AUDIO} ! rtppcmapay name=pay{audio_number} pt=8 )")
    factory.set_shared(True)
    if args.user:
        _ask_for_password(GstRtspServer, server, factory, args.user, args.password)
    server.get_mount_points().add_factory("/live", factory)
    server.attach(None)
    print(server.get_bound_port(), flush=True)
    GLib.MainLoop().run()


def _ask_for_password(gst: object, server: object, factory: object, user: str, word: str) -> None:
    auth, token = gst.RTSPAuth(), gst.RTSPToken()  # type: ignore[attr-defined]
    token.set_string("media.factory.role", "viewer")
    auth.add_basic(gst.RTSPAuth.make_basic(user, word), token)  # type: ignore[attr-defined]
    server.set_auth(auth)  # type: ignore[attr-defined]
    permissions = gst.RTSPPermissions()  # type: ignore[attr-defined]
    for allowed in ("media.factory.access", "media.factory.construct"):
        permissions.add_permission_for_role("viewer", allowed, True)
    factory.set_permissions(permissions)  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
