"""Pairs of images -> same or different, and who it is, if anybody."""
