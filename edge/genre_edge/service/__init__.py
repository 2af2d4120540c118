"""A program that runs for months: its outputs, reloads, systemd, and doctor."""
