"""How the command line shows what it has found: tables, notes, warnings."""

from contextlib import contextmanager

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from imgfeat.evaluation.report._unlike_scores import are_unlike


def console(**options):
    """A console that shows text as it is: names hold brackets, colons, and are long."""
    return Console(
        markup=False, highlight=False, emoji=False, soft_wrap=True, **options
    )


out = console()
err = console(stderr=True)


@contextmanager
def print_unfinished(folder):
    """At Ctrl-C, show what there is of a comparison, and how to go on."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        # Of a ComparisonInterrupted, or a StudyInterrupted, which may have a model.
        found = getattr(interrupt, "comparison", None)
        if found is not None and found.table["n_folds"].any():
            print(found)
            print_note(f"Kept in {folder}; the same command with --resume goes on.")
        model = getattr(interrupt, "model", None)
        if model is not None:
            print_note(f"Model of {found.best}: {model}")
        raise


def print_study(study):
    shown = Table(
        title=f"Mean over the folds; {study.scoring} on the held-out images",
        box=box.SIMPLE,
        collapse_padding=True,
        pad_edge=False,
    )
    columns = {
        "mean_test_accuracy": ("accuracy", "{:.3f}"),
        "mean_test_precision_macro": ("precision", "{:.3f}"),
        "mean_test_recall_macro": ("recall", "{:.3f}"),
        "mean_test_f1_macro": ("F1", "{:.3f}"),
        "mean_test_f1_micro": ("F1, micro", "{:.3f}"),
        "mean_test_average_precision": ("average precision", "{:.3f}"),
        "mean_fit_time": ("fit, s", "{:.1f}"),
        "predict_images_per_s": ("images/s", "{:,.0f}"),
    }
    if are_unlike(study.table):
        columns["n_images"] = ("of images", "{:,.0f}")
    columns = {name: how for name, how in columns.items() if name in study.table}
    by = f"mean_test_{study.scoring}"
    columns = {by: columns.pop(by, (study.scoring, "{:.3f}")), **columns}
    shown.add_column("recipe", overflow="fold")  # with a net it may be long
    for heading in [*(heading for heading, _ in columns.values()), "held out"]:
        shown.add_column(heading, justify="right", no_wrap=True)
    for name, row in study.table.iterrows():
        cells = [how.format(row[column]) for column, (_, how) in columns.items()]
        held_out = f"{study.held_out[name]:.3f}" if name in study.held_out else ""
        shown.add_row(name, *cells, held_out)
    print_table(shown)
    out.print(f"Report: {study.report}")
    how = "refitted on all images" if study.refitted else "as scored"
    out.print(f"Model:  {study.model} ({study.best}, {how})")
    for note in study.comparison.notes():
        out.print(note)


def print_frame(frame, title):
    shown = Table(box=box.SIMPLE)
    shown.add_column(frame.index.name or "", overflow="fold")
    for column in frame.columns:
        is_number = frame[column].dtype.kind in "iuf"
        shown.add_column(str(column), overflow="fold", no_wrap=is_number)
    for name, *row in frame.itertuples():
        cells = [f"{v:.3f}" if isinstance(v, float) else str(v) for v in row]
        shown.add_row(str(name), *cells)
    out.print(f"\n{title}")
    print_table(shown)


def print_table(shown):
    """Fold a table between words if a terminal can show it so; else cut nothing."""
    unlimited = out.options.update(max_width=1 << 20)
    needs = out.measure(shown, options=unlimited)
    if out.is_terminal and needs.minimum <= out.width:
        out.print(shown, soft_wrap=False)
    else:
        console(width=needs.maximum).print(shown)


def print_note(text):
    """A line for people, beside what programs read."""
    err.print(text)


def print_warning(message, *args, **kwargs):
    err.print(Text("warning:", style="yellow"), str(message))
