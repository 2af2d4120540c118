"""Conversion for genre-edge: quantise, verify and pack Keras models (workstation
only)."""
