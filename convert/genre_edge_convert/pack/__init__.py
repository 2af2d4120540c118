"""A whole conversion, all of it or nothing, and its model card."""
