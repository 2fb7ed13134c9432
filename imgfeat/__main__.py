"""``python -m imgfeat``: the same as the ``imgfeat`` command."""

from imgfeat.cli import main

if __name__ == "__main__":
    main()
