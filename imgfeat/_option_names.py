"""Errors of the library in the words of the command line."""

import re

# What errors name, and what it is called where there are options.
_IN_OPTIONS = {
    "path_column= and target_column= (None for no labels)": (
        "--path-column and --label-column"
    ),
    "or use load_image_table": "or pass a CSV with columns path and label",
    "use load_image_table for a CSV file": "or pass a CSV with columns path and label",
    ", which list_backbones() lists; or pass a torch.nn.Module, or import what "
    "registers the net": "",
    ", an instance of 'numpy.random.mtrand.RandomState' or None": "",
    "size must be a tuple of 2 positive ints, or one int for both": (
        "--size must be a positive number of pixels"
    ),
    "time_budget needs a positive number of seconds, or text such as '90s', '5min' or "
    "'1h'": "--minutes needs a positive number",
    "evaluate needs labels that the estimator was fitted on": (
        "The labels must be those that the model was trained on"
    ),
    "unknown='table' to count them": "--unknown table to count them",
    "unknown is 'raise' or 'table'": "--unknown is raise or table",
    "scoring needs names of scikit-learn's scorers": (
        "--scoring needs the name of a scorer of scikit-learn"
    ),
    "scoring=": "--scoring ",
    "split=": "--split ",
    "leave split out": "leave --split out",
    "with on_error='raise' it says why": "without --skip-unreadable it is said why",
    "SimilarImages needs": "similar needs",
    "groups needs a CSV file": "--groups needs a CSV file",
    "save needs a file name": "--out needs a file name",
    "Got epochs=": "Got --epochs ",
    "needs labels that class_names has": "needs labels that the model was trained on",
    "; add them, or correct the labels": "; correct them, or leave them out",
    ", or name all labels in class_names": "",
    "look at label_separator=": "look at --label-separator ",
    "tune_thresholds needs": "--tune-thresholds needs",
    "top_k needs ": "--top-k needs ",
    "threshold needs ": "--threshold needs ",
    "; give more images, hold out more, calibration=5 for all of them in five folds, "
    "or promise less": "; give more images, or promise less",
    "The 'coverage' parameter of OpenSet": "--coverage",
    "The 'false_alarms' parameter of OpenSet": "--false-alarms",
    "n_workers and num_gpus need": "--workers and --gpus need",
    "engine='local', which takes n_jobs": "local, which takes --jobs",
    "With engine='ray' n_jobs is": "With --engine ray, --jobs is",
    "smaller n_workers, n_jobs or num_gpus": "less --workers, --jobs or --gpus",
    "engine='ray'": "--engine ray",
    "max_errors=": "--max-errors ",
    "max_errors needs": "--max-errors needs",
    "n_workers needs": "--workers needs",
    "part_rows needs": "--part-rows needs",
    "part_rows (before": "--part-rows (before",
    "top_k or threshold": "--top-k or --threshold",
    "a smaller batch_size or fewer workers": "fewer --workers",
    "n_jobs needs a number": "--jobs needs a number",
    "api_key needs": "--api-key needs",
    "cors needs": "--cors needs",
    "resume=True": "--resume",
    "retry_failed=True": "--retry-failed",
}

# The same, where any number or estimator may stand in the middle.
_WITH_A_BLANK = {
    r"k-fold cross-validation requires at least one train/test split by setting "
    r"n_splits=2 or more, got n_splits=": "--cv needs two folds at least. Got ",
    r"The 'random_state' parameter of \w+ must be an int": "--seed must be an int",
}


def text_of(error):
    """What an error says, in options, without the numbers that systems have for it."""
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        text = error.strerror + (f": {error.filename}" if error.filename else "")
    for of_python, of_command in _IN_OPTIONS.items():
        text = text.replace(of_python, of_command)
    for of_python, of_command in _WITH_A_BLANK.items():
        text = re.sub(of_python, of_command, text)
    return text
