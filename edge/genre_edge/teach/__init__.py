"""Labels of the user's own, learnt on the device from a few examples."""
