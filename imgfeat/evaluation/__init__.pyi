from .audit._audit_images import audit_images as audit_images
from .audit._audit_result import Audit as Audit
from .audit._duplicates import duplicate_groups as duplicate_groups
from .comparison._compare import compare as compare
from .comparison._comparison import Comparison as Comparison
from .comparison._comparison import ComparisonInterrupted as ComparisonInterrupted
from .metrics._evaluate import evaluate as evaluate
from .metrics._evaluation import Evaluation as Evaluation
