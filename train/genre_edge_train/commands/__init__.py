"""The options and subcommands of genre-train."""
