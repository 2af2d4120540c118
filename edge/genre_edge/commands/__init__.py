"""The subcommands of genre-edge: each module adds its parser and runs its command."""
