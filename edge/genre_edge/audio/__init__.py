"""Samples, wherever they come from: files, pipes and arrays; resampling and level."""
