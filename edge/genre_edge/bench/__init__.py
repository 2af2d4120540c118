"""int8 against float: how often each model is right, what it costs, and what changed
since last time."""
