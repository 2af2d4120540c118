"""Many devices in one database: what they publish is collected and shown."""
