"""The states of a source, as records, health and MQTT have them."""

from __future__ import annotations

STATES = ("starting", "waiting", "listening", "lost", "dead", "clipping", "paused")
"""Whether a source is heard, or why not: not yet known; not there; heard; gone; heard,
but silent as a muted one; heard, but too loud; closed on purpose."""
PAUSED = "paused"
"""The source is closed because the user wants that: no fault."""
DEAF = ("starting", "waiting", "lost", PAUSED)
"""States of a source from which no audio comes."""
