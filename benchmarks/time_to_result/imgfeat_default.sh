# What the command line does, with all recipes that train no net.
set -e
python -m imgfeat compare "$1" --val "$2" --no-refit --out "$3"
python -m imgfeat predict "$3/model.imgfeat" "$2" --out "$3/predictions.csv"
