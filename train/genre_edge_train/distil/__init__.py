"""Learning from a teacher: its answers, the clips, the batches and the student."""
