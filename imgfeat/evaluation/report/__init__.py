"""Numbers and pictures into one HTML file."""
