"""The genres of a whole library, on all cores of one machine or on a cluster."""
