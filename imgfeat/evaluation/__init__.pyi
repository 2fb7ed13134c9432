from .comparison._compare import compare as compare
from .comparison._comparison import Comparison as Comparison
from .comparison._comparison import ComparisonInterrupted as ComparisonInterrupted
from .gallery._plot_hog import plot_hog as plot_hog
from .gallery._plot_keypoints import plot_keypoints as plot_keypoints
from .metrics._evaluate import evaluate as evaluate
from .metrics._evaluation import Evaluation as Evaluation
