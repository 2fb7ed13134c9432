"""The command line: parses, calls, prints; no logic."""

import gc
import shlex
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

import imgfeat
from imgfeat import deploy, studies
from imgfeat._cli_audit import audit
from imgfeat._cli_cache import cache
from imgfeat._cli_datasets import embed
from imgfeat._cli_explain import explain
from imgfeat._cli_export import export
from imgfeat._cli_info import info
from imgfeat._cli_options import (
    Folder,
    Jobs,
    LabelColumn,
    LabelColumns,
    LabelSeparator,
    Model,
    PathColumn,
    Seed,
    Size,
    Skip,
    Split,
    TuneThresholds,
    look_over,
)
from imgfeat._cli_predict import predict
from imgfeat._cli_serve import serve
from imgfeat._cli_similar import similar
from imgfeat._cli_suggest import suggest
from imgfeat._cli_weights import weights
from imgfeat._files import fill_closed_streams
from imgfeat._imports import importing
from imgfeat._patience import end_soon_after_ctrl_c
from imgfeat._plain_errors import plain_errors as _plain_errors
from imgfeat._print_evaluation import TableFormat, print_evaluation
from imgfeat._printing import (
    out,
    print_frame,
    print_note,
    print_study,
    print_unfinished,
)
from imgfeat._rows import check_can_write
from imgfeat.deploy._self_check import starting_early

# What loads the file of any recipe.
_RECIPES = "imgfeat.estimators._recipe_table"

app = typer.Typer(
    name="imgfeat",
    help="Classify images: compare classical and deep classifiers, train, predict.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(cache, name="cache", no_args_is_help=True)
app.add_typer(weights, name="weights", no_args_is_help=True)


@app.callback(invoke_without_command=True)
def imgfeat_(
    version: Annotated[bool, typer.Option("--version", help="Show it.")] = False,
):
    """Classify images: compare classical and deep classifiers, train, predict."""
    if version:
        out.print(f"imgfeat {imgfeat.__version__}")
        raise typer.Exit


@app.command()
def demo(
    to: Annotated[Path, typer.Option("--out", help="Folder to write.")] = Path(
        "imgfeat-demo"
    ),
    jobs: Jobs = -1,
):
    """Run the main job on photos of brick, grass and gravel that ship with us."""
    with _plain_errors(), starting_early(_RECIPES):
        with importing():
            run_study = studies.run_study
        images = studies.write_demo_images(to / "images")
        study = run_study(
            images.paths,
            images.labels,
            held_out=images.held_out,
            groups=images.groups,
            cv=images.folds,
            out=to,
            recipes=["hog-svm", "hog-lr", "cnn-lr", "cnn-svm", "hybrid-lr"],
            size=64,
            n_jobs=jobs,
            title="Brick, grass or gravel?",
            about={"command": _command()},
            verbose=1,
        )
        print_study(study)
        model = imgfeat.load(study.model)
        out.print(f"\nThe saved model, loaded again ({study.model}):")
        paths = list(images.paths[images.held_out][::17][:5])
        for prediction in deploy.predict_files(model, paths, n_jobs=jobs):
            out.print(
                f"  {prediction.path}  ->  {prediction.label} "
                f"({prediction.probability:.0%})",
            )


@app.command()
def compare(
    data: Folder,
    to: Annotated[
        Path, typer.Option("--out", help="Folder for the report and the best model.")
    ] = Path("imgfeat-compare"),
    recipe: Annotated[
        list[str] | None,
        typer.Option(
            help="A recipe, or one with another net, as cnn-lr:resnet50; repeat for "
            "several. All that train no net if none."
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Three recipes that are often enough.")
    ] = False,
    thorough: Annotated[
        bool, typer.Option("--thorough", help="All recipes; nets that train, too.")
    ] = False,
    minutes: Annotated[
        float | None,
        typer.Option(help="No fold begins later; the better recipes run on more."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what --out holds of this.")
    ] = False,
    refit: Annotated[
        bool, typer.Option(help="Save the best one fitted on all images.")
    ] = True,
    learning_curve: Annotated[
        bool,
        typer.Option("--learning-curve", help="Tell what more images would bring."),
    ] = False,
    tune_thresholds: TuneThresholds = False,
    cv: Annotated[int | None, typer.Option(help="Folds; 5 if classes allow.")] = None,
    val: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR|CSV",
            help="Images to hold out, of the same classes; a fifth is drawn otherwise.",
        ),
    ] = None,
    groups: Annotated[
        str | None,
        typer.Option(
            help="Column of a CSV: images that share a value, as photos of one scene, "
            "are never trained on and tested at once."
        ),
    ] = None,
    scoring: Annotated[
        str | None,
        typer.Option(
            help="What decides: the name of a scikit-learn scorer, as "
            "balanced_accuracy, f1_macro, roc_auc_ovr or neg_log_loss. Otherwise "
            "accuracy; of several labels an image f1_macro."
        ),
    ] = None,
    size: Size = 128,
    jobs: Jobs = -1,
    seed: Seed = 0,
    split: Split = None,
    path_column: PathColumn = "path",
    label_column: LabelColumn = "label",
    label_columns: LabelColumns = None,
    label_separator: LabelSeparator = None,
    skip_unreadable: Skip = False,
):
    """Compare recipes on the same folds; write a report and the best model."""
    with _plain_errors(can_skip=True), starting_early(_RECIPES):
        with importing():
            run_study = studies.run_study
        load = partial(
            studies.load_labelled,
            path_column=path_column,
            label_column=label_column,
            label_columns=label_columns,
            label_separator=label_separator,
            group_column=groups,
        )
        found = load(data, "compare" if val is None else "train", split=split)
        if val is not None:
            found = studies.with_held_out(found, load(val, "evaluate"))
        found = look_over(found, skip_unreadable, jobs)
        if quick and thorough:
            raise ValueError("--quick and --thorough are two sizes; take one of them.")
        effort = "quick" if quick else "thorough" if thorough else "default"
        with print_unfinished(to):
            study = run_study(
                found.images,
                found.y,
                held_out=found.held_out,
                groups=found.groups,
                scoring=scoring,
                out=to,
                recipes=recipe or studies.quick_recipes(effort, found.labels),
                time_budget=None if minutes is None else 60 * minutes,
                resume=resume,
                refit=refit,
                learning_curve=learning_curve,
                tune_thresholds=tune_thresholds,
                cv=cv,
                size=size,
                n_jobs=jobs,
                random_state=seed,
                title=data.resolve().name,
                about={"command": _command()},
                verbose=1,
            )
        print_study(study)


@app.command()
def train(
    data: Folder,
    to: Annotated[Path, typer.Option("--out", help="The file to write.")],
    recipe: Annotated[
        str, typer.Option(help="See: imgfeat recipes. cnn-lr:resnet50 for another net.")
    ] = "cnn-lr",
    size: Size = 128,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="For cnn-finetune and cnn-scratch.")
    ] = None,
    coverage: Annotated[
        float | None,
        typer.Option(
            help="Save a model that knows what it does not know: sets of labels that "
            "hold the right one in this share of the images, as 0.95, and no label for "
            "what is like no training image."
        ),
    ] = None,
    false_alarms: Annotated[
        float,
        typer.Option(help="With --coverage: images of known classes without a label."),
    ] = 0.05,
    tune_thresholds: TuneThresholds = False,
    jobs: Jobs = -1,
    seed: Seed = 0,
    split: Split = None,
    path_column: PathColumn = "path",
    label_column: LabelColumn = "label",
    label_columns: LabelColumns = None,
    label_separator: LabelSeparator = None,
    skip_unreadable: Skip = False,
):
    """Train one recipe on all images, its parameters searched, and save it."""
    with _plain_errors(can_skip=True), starting_early():
        with importing():
            train_recipe = studies.train_recipe
        found = studies.load_labelled(
            data,
            "train",
            split=split,
            path_column=path_column,
            label_column=label_column,
            label_columns=label_columns,
            label_separator=label_separator,
        )
        deploy.check_target(to)  # before hours of training
        found = look_over(found, skip_unreadable, jobs)
        model = train_recipe(
            recipe,
            found.images,
            found.y,
            size=size,
            epochs=epochs,
            coverage=coverage,
            false_alarms=false_alarms,
            tune_thresholds=tune_thresholds,
            n_jobs=jobs,
            random_state=seed,
            verbose=1,
        )
        trained_on = studies.data_facts(found.y)
        imgfeat.save(model, to, facts={"trained_on": trained_on})
        out.print(
            f"{to}: {recipe} on {len(found.images)} images of "
            f"{len(model.classes_)} classes",
        )
        if tune_thresholds:
            print_note(f"Thresholds: {studies.thresholds_in_words(model)}")


@app.command()
def evaluate(
    model: Model,
    data: Folder,
    jobs: Jobs = -1,
    split: Split = None,
    path_column: PathColumn = "path",
    label_column: LabelColumn = "label",
    label_columns: LabelColumns = None,
    label_separator: LabelSeparator = None,
    skip_unreadable: Skip = False,
    to: Annotated[
        Path | None, typer.Option("--out", help="A page to look at, as report.html.")
    ] = None,
    format: Annotated[
        TableFormat | None,
        typer.Option(help="Print for programs: metrics as csv, or all as json."),
    ] = None,
    unknown: Annotated[
        str,
        typer.Option(
            help="Classes that the model has never seen: raise an error, or count "
            "their images as mistakes and list them in a table."
        ),
    ] = "raise",
    groups: Annotated[
        str | None,
        typer.Option(help="Column of a CSV, as of cameras: scores of each as well."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the intervals.")] = 0,
):
    """Score a saved model on labelled images; list its mistakes by file name."""
    with _plain_errors(can_skip=True):
        if to is not None:
            check_can_write(to)
        loaded = imgfeat.load(model)
        found = studies.load_labelled(
            data,
            "evaluate",
            split=split,
            path_column=path_column,
            label_column=label_column,
            label_columns=label_columns,
            label_separator=label_separator,
            group_column=groups,
            class_names=deploy.names_of_labels(loaded),
        )
        found = look_over(found, skip_unreadable, jobs)
        evaluation = imgfeat.evaluate(
            loaded,
            found.images,
            found.y,
            groups=found.groups,
            unknown=unknown,
            random_state=seed,
        )
        print_evaluation(evaluation, format)
        if to is not None:
            about = {"command": _command(), "seed": str(seed), "model": str(model)}
            title = f"{model.name} on {data.resolve().name}"
            evaluation.save_html(to, title=title, about=about)
            print_note(f"Report: {to}")


COMMANDS = (predict, embed, serve, export, explain, similar, audit, suggest, info)
for command in COMMANDS:
    app.command()(command)


@app.command()
def recipes():
    """List the named pipelines."""
    print_frame(imgfeat.list_recipes().set_index("recipe")[["summary"]], "Recipes")


def _command():
    return shlex.join(["imgfeat", *sys.argv[1:]])


def main():
    """Entry point of the ``imgfeat`` command."""
    fill_closed_streams()
    end_soon_after_ctrl_c()
    try:
        app()
    finally:
        gc.freeze()  # what is left goes with the process, and need not be looked at
