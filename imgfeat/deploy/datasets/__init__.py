"""Images by the million -> rows and vectors in a folder, on one machine or many."""
