"""Small pictures of what a classifier looked at, for a page."""

SIDE = 160  # pixels, the longer side
