"""Whole training runs: on labels alone, with a teacher, and repeated over folds and
seeds."""
