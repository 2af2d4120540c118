"""From samples to probabilities: front-end, bundle, classifier and engine."""
