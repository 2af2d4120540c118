"""The prediction service and its page: Flask, served by waitress."""
