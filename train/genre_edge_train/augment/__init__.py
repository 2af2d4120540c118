"""Variations of a clip: rooms, loudspeakers, microphones, noise, speech."""
