"""Keypoints and grids -> descriptors -> vocabularies -> one vector an image."""
