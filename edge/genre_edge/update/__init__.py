"""Updates over the network: signed statements taken, checked, tried and installed."""
