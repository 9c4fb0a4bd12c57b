"""`cutaway train`: train a network."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from cutaway.cli.app import (
    CallbackOption,
    CpusOption,
    GpusOption,
    Json,
    OnOption,
    Processes,
    ShardOption,
    app,
    emit,
)
from cutaway.cli.several import in_several
from cutaway.cli.words import read_options, read_vary, read_words, with_recipe_options
from cutaway.errors import UsageError
from cutaway.learn.recipe import Recipe, read_recipe
from cutaway.together.environment import leads

Quality = Annotated[
    str,
    typer.Option(
        help="How well photographs are learned where no model is named: fast, good or best.",
        metavar="WORD",
    ),
]


def job_option(cluster: str, sizes: str) -> Any:
    """An option that prints a job for a kind of cluster."""
    about = f"Print a job for {cluster} that does this, and resumes it: {sizes}"
    return typer.Option(help=about, metavar="[SIZES]", show_default=False)


SlurmJob = Annotated[str, job_option("Slurm", "nodes=2,gpus=8,hours=12")]
KubernetesJob = Annotated[str, job_option("Kubernetes", "nodes=2,gpus=8,image=NAME")]


@app.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    epilog="Example: cutaway train lenet5 mnist --epochs 3 --lr 0.1 --augment shift:2",
)
@with_recipe_options
def train(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="A model, a recipe, or the data.")] = "",
    data: Annotated[str, typer.Argument(help="A data set, a folder or a table.")] = "",
    recipe: Annotated[
        str, typer.Option(help="Begin with a saved recipe.toml.", metavar="FILE")
    ] = "",
    out: Annotated[
        str, typer.Option(help="The run's directory, by default runs/MODEL-DATA-N.")
    ] = "",
    vary: Annotated[
        list[str] | None,
        typer.Option(help="A network for each value of a field: lr=0.1,0.01", metavar="FIELD=..."),
    ] = None,
    way: Annotated[
        str, typer.Option(help="How to train several: auto, in-turn, side-by-side or batched.")
    ] = "auto",
    quality: Quality = "",
    time: Annotated[
        str,
        typer.Option(
            help="What training may take, 90s, 10m or 1h: as many epochs as that allows.",
            metavar="TIME",
        ),
    ] = "",
    on: OnOption = "",
    cpus: CpusOption = None,
    gpus: GpusOption = None,
    callback: CallbackOption = None,
    checkpoint_every: Annotated[float, typer.Option(help="Seconds between checkpoints.")] = 15.0,
    processes: Processes = 1,
    shard: ShardOption = "auto",
    interventions: Annotated[
        str,
        typer.Option(
            help="Repeat the changes by hand of this run (see `cutaway studio`).", metavar="RUN"
        ),
    ] = "",
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
    as_json: Json = False,
    print_slurm: SlurmJob = "",
    print_kubernetes: KubernetesJob = "",
    **settings: Any,
) -> None:
    """Train a network, test it once and write a report.

    Without arguments: LeNet-5 on 1,797 handwritten digits, in seconds, with no download.
    A folder alone: a network is chosen for its pictures, cutaway train photographs/ --time 10m
    Options of the model are given by name too: cutaway train mlp mnist --widths 300-100
    Many networks as one job: --replicates 8, --folds 5, --vary lr=0.1,0.01
    One network in several processes: --processes 4, or torchrun ... -m cutaway train ...
    """
    if not (print_slurm or print_kubernetes):
        in_several(processes)
    words = [word for word in (model, data) if word] + context.args
    settings |= {"vary": read_vary(vary or []) or None}
    names, saved, changes = read_request(words, recipe, settings)
    if print_slurm or print_kubernetes:
        print_job({"--print-slurm": print_slurm, "--print-kubernetes": print_kubernetes},
                  names, saved, changes, out)  # fmt: skip
        return
    from cutaway import api

    run = api.fit(
        *names, recipe=saved, out=out, progress=not (quiet or as_json), callbacks=callback or (),
        checkpoint_every=checkpoint_every, way=way, quality=quality, time=time, on=on, cpus=cpus,
        gpus=gpus, shard=shard, interventions=interventions, **changes,
    )  # fmt: skip
    if leads():
        print_run(run, as_json)


def read_request(
    words: list[str], recipe: str, settings: dict[str, Any]
) -> tuple[list[str], Recipe | None, dict[str, Any]]:
    """Model and data, the saved recipe if there is one, and the changes to it or to what suits.

    Args:
        words: model, data and options of the model.
        recipe: the file to begin with instead of the recommended settings.
        settings: fields of the recipe, None where not given.
    """
    from cutaway import recipes

    names, flags = read_words(words)
    changes = {k: v for k, v in settings.items() if v is not None}
    saved = read_recipe(Path(recipe)) if recipe else None
    if saved:
        changes |= dict(zip(("model", "data"), names, strict=False))
        names = []
    beginning = saved or recipes.starting_point(*names)
    return names, saved, changes | read_options(flags, beginning, changes)


def print_job(
    jobs: dict[str, str], names: list[str], saved: Recipe | None, changes: dict[str, Any], out: str
) -> None:
    """Print the job of a cluster for the command line that was typed.

    Args:
        jobs: what each option was given.
        names, saved, changes: as `read_request` gives them.

    Raises:
        UsageError: for both at once, and as `job_script` does.
    """
    from cutaway import recipes
    from cutaway.cli.cluster_job import job_script

    asked = {option: sizes for option, sizes in jobs.items() if sizes}
    if len(asked) > 1:
        raise UsageError("One job at a time: leave --print-slurm or --print-kubernetes out.")
    recipe = (saved or recipes.starting_point(*names)).with_options(**changes)
    for option, sizes in asked.items():
        typer.echo(job_script(option, sizes, sys.argv[2:], recipe, out), nl=False)


def print_run(job: Any, as_json: bool) -> None:
    """Print the result of a finished run, fleet or search, and its path."""
    from cutaway.show import tables
    from cutaway.show.jobs import VIEWS

    view, page = VIEWS[job.kind], job.path / "report.html"
    if as_json:
        about = {view.key: str(job.path), "report": str(page), "augment": job.recipe.augment}
        emit({**about, "notes": job.notes, **job.results})
        return
    tables.show(*tables.notes(job), tables.result(job, view.rows(job)))
    typer.echo(f"{job.kind.capitalize() + ':':7} {job.path}")
    for line in view.following(job):
        typer.echo(f"Next:   {line}")
    typer.echo(f"Report: {page.resolve().as_uri()}")
