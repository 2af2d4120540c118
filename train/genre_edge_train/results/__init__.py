"""What a run leaves behind: plots and its folder; and judging a model under fixed
conditions."""
