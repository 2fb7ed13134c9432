"""Labels of images by the million, in a folder."""

from sklearn.base import BaseEstimator

from imgfeat._typing import PathLike
from imgfeat.deploy._answers import how_to_ask
from imgfeat.deploy._predict import check_ranking, prediction_columns
from imgfeat.deploy.datasets._job import DatasetSummary, JobOptions, run_job
from imgfeat.deploy.datasets._task import PREDICTIONS
from imgfeat.deploy.datasets._used_model import used_classifier
from imgfeat.sources import ImageListing


def predict_dataset(
    source: PathLike | ImageListing,
    model: PathLike | BaseEstimator,
    out: PathLike,
    *,
    top_k: int = 1,
    threshold: float | None = None,
    root: PathLike | None = None,
    engine: str = "local",
    n_jobs: int | None = -1,
    n_workers: int | None = None,
    num_gpus: float = 0,
    batch_size: int = 256,
    part_rows: int = 1000,
    max_errors: int | None = None,
    resume: bool = False,
    retry_failed: bool = False,
    verbose: int = 0,
) -> DatasetSummary:
    """Label any number of images, and keep the labels in a folder.

    Parameters
    ----------
    source : str, path or ImageListing
        What `list_images` takes, or gave: a folder, a pattern, a CSV or Parquet file.
    model : str, path or fitted classifier of images
        A saved file, or an estimator.
    out : str or path
        A folder for nothing else. It is made if it is not there.
    top_k : int, default=1
        How many labels each image gets, the most probable first.
    threshold : float, optional
        Where the label is less probable than this there is none.
    root, engine, n_jobs, n_workers, num_gpus, batch_size, part_rows, max_errors, \
resume, retry_failed, verbose
        As for `embed_dataset`.

    Returns
    -------
    DatasetSummary

    Raises
    ------
    TypeError
        If the model is no classifier.
    FileNotFoundError, ValueError, OSError, ModuleNotFoundError
        As by `embed_dataset`; and a ValueError if `top_k` or `threshold` cannot be, or
        the model has no probabilities for them.

    See Also
    --------
    embed_dataset : Vectors in place of labels; it says more of the folder.
    predict_files : Labels as an iterator.

    Notes
    -----
    ``part-000000.parquet`` and so on hold ``id``, ``row``, ``label``, ``probability``
    and ``error``; of an `OpenSet` ``set`` and ``score`` as well, and ``label_2`` and
    ``probability_2`` where `top_k` asks for them. Whatever reads a folder of Parquet
    files reads them as one table: ``pandas.read_parquet(out)``.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> from skimage import data_dir
    >>> from imgfeat import make_recipe
    >>> from imgfeat.deploy import predict_dataset
    >>> paths = [f"{data_dir}/{name}.png" for name in ("brick", "grass", "gravel")]
    >>> model = make_recipe("hog-lr", size=32).fit(paths * 3, ["a", "b", "c"] * 3)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = predict_dataset(data_dir + "/[bg]r*.png", model, folder)
    ...     table = pd.read_parquet(folder)
    >>> list(table.columns)
    ['id', 'row', 'label', 'probability', 'error']
    """
    how = JobOptions(
        root=root,
        engine=engine,
        n_jobs=n_jobs,
        n_workers=n_workers,
        num_gpus=num_gpus,
        batch_size=batch_size,
        part_rows=part_rows,
        max_errors=max_errors,
        resume=resume,
        retry_failed=retry_failed,
        verbose=verbose,
    )
    how.check()
    used = used_classifier(model)
    how_to_ask(used.estimator)  # refuses what is no classifier
    check_ranking(used.estimator, top_k, threshold)
    columns = prediction_columns(used.estimator, top_k)
    columns = {name: kind for name, kind in columns.items() if name != "path"}
    options = {"top_k": top_k, "threshold": threshold}
    return run_job(PREDICTIONS, source, used, out, columns, options, how)
