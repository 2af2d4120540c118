"""The subcommands of genre-convert."""
