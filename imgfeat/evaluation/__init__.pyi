from ._compare import compare as compare
from ._report import evaluate as evaluate
