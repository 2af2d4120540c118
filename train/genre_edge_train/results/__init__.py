"""What a run leaves behind: accuracy, plots, the folder, and fixed conditions to judge
under."""
