"""A finished run as one HTML file to look at: no network, no file beside it."""
