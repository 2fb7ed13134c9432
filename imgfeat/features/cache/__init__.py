"""Rows of features kept on disk, shared by folds, searches and processes."""
