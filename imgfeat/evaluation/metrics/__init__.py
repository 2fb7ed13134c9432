"""Predictions into numbers."""
