"""A saved model as a web service."""
