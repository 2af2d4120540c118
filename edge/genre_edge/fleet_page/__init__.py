"""The fleet on a page: Flask, served by waitress, with what web/ has for pages."""
