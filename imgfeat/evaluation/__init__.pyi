from .audit._audit_images import audit_images as audit_images
from .audit._audit_result import Audit as Audit
from .audit._duplicates import duplicate_groups as duplicate_groups
from .audit._suggest import suggest as suggest
from .comparison._compare import compare as compare
from .comparison._comparison import Comparison as Comparison
from .comparison._comparison import ComparisonInterrupted as ComparisonInterrupted
from .explanation._explain import explain as explain
from .explanation._explanation import Explanation as Explanation
from .gallery._find_similar import find_similar as find_similar
from .gallery._plot_detections import plot_detections as plot_detections
from .gallery._plot_embedding import plot_embedding as plot_embedding
from .gallery._plot_hog import plot_hog as plot_hog
from .gallery._plot_keypoints import plot_keypoints as plot_keypoints
from .gallery._plot_words import plot_words as plot_words
from .gallery._similar import SimilarImages as SimilarImages
from .metrics._evaluate import evaluate as evaluate
from .metrics._evaluate_pairs import evaluate_pairs as evaluate_pairs
from .metrics._evaluation import Evaluation as Evaluation
from .metrics._matched_boxes import average_precision as average_precision
from .metrics._multi_label_evaluation import (
    MultiLabelEvaluation as MultiLabelEvaluation,
)
from .metrics._pair_evaluation import PairEvaluation as PairEvaluation
