from ._archive import check_target as check_target
from ._bundle import load as load
from ._bundle import save as save
from ._errors import BundleError as BundleError
from ._errors import UntrustedFileError as UntrustedFileError
from ._predict import Prediction as Prediction
from ._predict import expand_paths as expand_paths
from ._predict import predict_files as predict_files
