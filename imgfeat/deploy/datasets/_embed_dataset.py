"""Vectors of images by the million, in a folder."""

from typing import Any

from sklearn.base import BaseEstimator

from imgfeat._typing import PathLike
from imgfeat.deploy.datasets._job import DatasetSummary, JobOptions, run_job
from imgfeat.deploy.datasets._task import EMBEDDINGS
from imgfeat.deploy.datasets._used_model import used_front
from imgfeat.sources import ImageListing


def embed_dataset(
    source: PathLike | ImageListing,
    model: PathLike | BaseEstimator,
    out: PathLike,
    *,
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
    """Describe any number of images by vectors, and keep these in a folder.

    Parameters
    ----------
    source : str, path or ImageListing
        What `list_images` takes, or gave: a folder, a pattern, a CSV or Parquet file.
    model : str, path or fitted estimator
        A saved file, or an estimator: a transformer, or a pipeline, whose classifier is
        left out. Or the name of a net, as `CNNEmbedding` takes it.
    out : str or path
        A folder for nothing else. It is made if it is not there.
    root : str or path, optional
        Folder that relative paths of a CSV or Parquet file start from; its own by
        default.
    engine : {"local", "ray"}, default="local"
        "local" is this process and its threads. "ray" is a process for each of
        `n_workers` on a cluster of Ray, which must see all files under the same names:
        the one that this process has joined, or ``RAY_ADDRESS`` names, or else one on
        this machine for as long as it takes. It comes with the extra ``imgfeat[ray]``.
    n_jobs : int, default=-1
        Threads; -1 is every core. With Ray the cores of each worker, and -1 is one.
    n_workers : int, optional
        With Ray; by default as many as its cores, or GPUs, allow.
    num_gpus : float, default=0
        With Ray, GPUs of each worker, which may share one: 0.5.
    batch_size : int, default=256
        Images that the model gets at once.
    part_rows : int, default=1000
        Images in a part, 10,000 at most: what is lost of the work when it is ended.
    max_errors : int, optional
        End the work when more images than these could not be used.
    resume : bool, default=False
        Go on where a run was ended.
    retry_failed : bool, default=False
        Go on, and try the images again that could not be used.
    verbose : int, default=0
        Show progress.

    Returns
    -------
    DatasetSummary

    Raises
    ------
    FileNotFoundError
        If there is no such source or model.
    TypeError
        If the model makes no features.
    ValueError
        If `out` holds other things, or a dataset of another model, of other images or
        made by another version; if another run writes to it; if vectors differ in
        length; if more than `max_errors` images fail.
    OSError
        If a part cannot be written. What was finished stays.
    ModuleNotFoundError
        Without pyarrow, or Ray where it is asked for, naming the extra.

    See Also
    --------
    load_embeddings : The vectors and their table again.
    predict_dataset : Labels in place of vectors.

    Notes
    -----
    A part is two files: ``part-000000.npy`` with a vector a row, float32, and
    ``part-000000.parquet`` with ``id``, ``row`` and ``error``. An image that cannot be
    used has a row with its error, and NaN for a vector. A part is there whole or not at
    all, whoever is killed when; a run that goes on gives the same bytes as one that was
    never disturbed, on one kind of machine. So do both engines. ``_dataset.json`` holds
    hashes of the model, of how it reads, and of the images that were listed.

    Where a worker of Ray dies, its part is given to another, three times at most.
    Everything on this page needs a file system that all workers see.

    Examples
    --------
    >>> import tempfile
    >>> from skimage import data_dir
    >>> from sklearn.pipeline import make_pipeline
    >>> from imgfeat.deploy import embed_dataset, load_embeddings
    >>> from imgfeat.features import HOG
    >>> from imgfeat.sources import ImageReader
    >>> model = make_pipeline(ImageReader((32, 32), mode="gray"), HOG())
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = embed_dataset(data_dir + "/[bg]r*.png", model, folder)
    ...     vectors, table = load_embeddings(folder)
    >>> done.n_rows, done.n_errors, vectors.shape
    (3, 0, (3, 324))
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
    columns: dict[str, Any] = {}
    return run_job(EMBEDDINGS, source, used_front(model), out, columns, {}, how)
