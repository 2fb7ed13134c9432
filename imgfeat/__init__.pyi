from . import deploy as deploy
from . import estimators as estimators
from . import evaluation as evaluation
from . import features as features
from . import kernels as kernels
from . import nets as nets
from . import preprocess as preprocess
from . import sources as sources
from . import studies as studies
from .deploy import Predictor as Predictor
from .deploy import load as load
from .deploy import save as save
from .estimators import list_recipes as list_recipes
from .estimators import make_recipe as make_recipe
from .evaluation import audit_images as audit_images
from .evaluation import compare as compare
from .evaluation import evaluate as evaluate
from .evaluation import explain as explain
from .sources import load_image_folder as load_image_folder
from .sources import load_image_table as load_image_table
from .sources import load_sample as load_sample

__version__: str
