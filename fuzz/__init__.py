"""Hostile and damaged inputs for every boundary of the program; script/fuzz runs
them."""
