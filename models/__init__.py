"""The shipped bundles, as package data."""
