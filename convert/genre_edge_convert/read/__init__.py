"""What comes in: the network, its description, its operators, and the windows to
calibrate on."""
