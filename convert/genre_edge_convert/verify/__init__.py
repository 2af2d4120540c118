"""Whether a bundle still answers as the network did."""
