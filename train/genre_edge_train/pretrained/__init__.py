"""A network that starts from pretrained weights and learns from teachers' soft
labels."""
