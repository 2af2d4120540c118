"""A source that does not end: the microphone, streams, and the listener."""
