# What the command line does, with three recipes.
set -e
python -m imgfeat compare "$1" --val "$2" --quick --no-refit --out "$3"
python -m imgfeat predict "$3/model.imgfeat" "$2" --out "$3/predictions.csv"
