from .comparison._compare import compare as compare
from .metrics._evaluate import evaluate as evaluate
