"""Messages to people: rules that decide, and Apprise, which sends."""
