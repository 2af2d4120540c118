"""What is on disk: tracks, features, windows, splits, and the faults of a data set."""
