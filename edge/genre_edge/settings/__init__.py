"""What a user can set: options, tables, the TOML file, and the settings in force."""
