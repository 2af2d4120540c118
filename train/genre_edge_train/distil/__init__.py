"""Learning from a teacher: its opinion, the clips, the batches and the student."""
