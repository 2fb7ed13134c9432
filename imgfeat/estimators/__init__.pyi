from ._augmented import AugmentedClassifier as AugmentedClassifier
from ._planned_folds import PlannedFolds as PlannedFolds
from ._probe import RidgeProbe as RidgeProbe
from ._recipes import list_recipes as list_recipes
from ._recipes import make_recipe as make_recipe
from .cnn._classifier import CNNClassifier as CNNClassifier
from .cnn._find_lr import LearningRates as LearningRates
from .cnn._find_lr import find_lr as find_lr
