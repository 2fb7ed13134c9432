from ._augment import Policy as Policy
from ._augment import augment_image as augment_image
from ._augment import find_policy as find_policy
from ._color import Equalize as Equalize
from ._color import Grayscale as Grayscale
from ._geometry import CenterCrop as CenterCrop
from ._geometry import Resize as Resize
