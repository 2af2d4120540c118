"""Whether tflite-runtime and LiteRT give the same scores for the demo clip, but for
rounding."""

import sys

import numpy as np
from genre_edge.audio.file_source import read_mono
from genre_edge.demo import clip_path
from genre_edge.model.bundle import find_model, read_bundle
from genre_edge.model.classifier import Classifier
from genre_edge.model.frontend import LogMel

STEPS = 20.0
"""Largest difference allowed, in steps of 1/256: the kernels round differently in every
layer."""
LEAST_AGREEMENT = 0.9
"""Least share of windows with the same top-1; the clip is no music, and its scores are
close together."""

bundle = read_bundle(find_model(sys.argv[1]))
spec = bundle.info.frontend
windows = [w.features for w in LogMel(spec, 0.5).push(read_mono(clip_path(), spec.sample_rate))]
litert, tflite = (
    np.stack([classifier.scores(window) for window in windows])
    for classifier in (Classifier(bundle, "litert"), Classifier(bundle, "tflite"))
)
worst = float(np.abs(litert - tflite).max()) * 256
agree = float(np.mean(litert.argmax(axis=1) == tflite.argmax(axis=1)))
print(
    f"{sys.argv[1]}: tflite-runtime with numpy {np.__version__} differs from LiteRT by at most "
    f"{worst:.1f} steps, "
    f"top-1 agrees on {agree:.0%} of {len(windows)} windows"
)
sys.exit(worst > STEPS or agree < LEAST_AGREEMENT)
