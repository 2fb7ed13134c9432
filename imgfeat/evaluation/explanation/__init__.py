"""What a classifier looked at, drawn."""
