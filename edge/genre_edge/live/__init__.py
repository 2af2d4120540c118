"""A source that does not end: devices, PortAudio, the microphone, and the listener."""
