"""Images -> boxes: a classifier asked of every window."""
