"""A bundle's network in other forms, for what does not run genre-edge."""
