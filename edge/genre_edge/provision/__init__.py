"""Many devices made ready: a name, a password, a configuration and rights for each."""
