from .audit._suggest import suggest as suggest
from .comparison._compare import compare as compare
from .comparison._comparison import Comparison as Comparison
from .comparison._comparison import ComparisonInterrupted as ComparisonInterrupted
from .metrics._evaluate import evaluate as evaluate
from .metrics._evaluation import Evaluation as Evaluation
