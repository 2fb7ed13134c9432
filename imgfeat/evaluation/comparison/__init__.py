"""Classifiers beside one another on the same folds."""
