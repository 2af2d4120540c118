"""What audio files of each format hold, and how long they really are."""
