"""``imgfeat cache``: features that are kept on disk."""

import typer

import imgfeat
from imgfeat._cli_options import Location
from imgfeat._plain_errors import plain_errors
from imgfeat._printing import out, print_frame

cache = typer.Typer(help="Features that CachedFeatures keeps on disk.")


@cache.command("info")
def cache_info(location: Location = None):
    """List the transformers whose features are kept, with rows and megabytes."""
    with plain_errors():
        table = imgfeat.features.cache_info(location)
        if len(table):
            print_frame(table.set_index("transformer"), "Cached features")
        else:
            out.print("The cache is empty.")


@cache.command("clear")
def cache_clear(location: Location = None):
    """Remove all cached features; they can be computed again."""
    with plain_errors():
        freed = imgfeat.features.clear_cache(location)
        out.print(f"Freed {freed / 1e6:,.1f} MB.")
