"""Training for genre-edge: data, augmentation, models, fitting and evaluation
(workstation only)."""
