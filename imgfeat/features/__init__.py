"""Images -> vectors: transformers that describe images."""

import lazy_loader as lazy

# Lazy, so that HOG does not wait for torch.
__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "_bovw": ["BagOfVisualWords"],
        "_cache_folder": ["cache_info", "clear_cache"],
        "_cached": ["CachedFeatures"],
        "_color": ["ColorHistogram"],
        "_cooccurrence": ["GLCM"],
        "_dense_sift": ["DenseSIFT"],
        "_descriptors": ["Descriptors"],
        "_embedding": ["CNNEmbedding"],
        "_fisher": ["FisherVector"],
        "_hog": ["HOG"],
        "_patches": ["PatchDictionary"],
        "_sift": ["ORB", "SIFT"],
        "_store": ["CacheWarning"],
        "_texture": ["LBP"],
        "_vlad": ["VLAD"],
    },
)
