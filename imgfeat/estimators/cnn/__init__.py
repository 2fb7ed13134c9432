"""How CNNClassifier trains its nets."""
