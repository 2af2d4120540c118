"""The networks, how they are fitted, and how their confidence is calibrated."""
