from ._demo import write_demo_images as write_demo_images
from ._held_out import with_held_out as with_held_out
from ._labelled_data import LabelledData as LabelledData
from ._labelled_data import load_labelled as load_labelled
from ._study import Study as Study
from ._study import quick_recipes as quick_recipes
from ._study import run_study as run_study
from ._train_recipe import train_recipe as train_recipe
