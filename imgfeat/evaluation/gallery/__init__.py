"""Pictures of features, and images that are alike."""
