"""The model card: what a network is, what it learned from, how good it is, what it is not for."""

import json

from cutaway.data.target import Classes, Labels, Values
from cutaway.learn.card import listed
from cutaway.learn.run import Run
from cutaway.ship.about import About

MAX_CLASSES = 20
"""Number of classes that are named."""


def card(run: Run, about: About) -> str:
    """A README.md with the header that the Hugging Face Hub reads (its model card format)."""
    parts = (
        _header(about), _summary(run, about), _results(run), _usage(about), _limits(run, about),
    )  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _header(about: About) -> str:
    tags = ["cutaway", about.model, about.task]
    lines = ["library_name: cutaway", f"tags: {json.dumps(tags)}"]
    lines += ["pipeline_tag: image-classification"] if _classifies_images(about) else []
    return "\n".join(["---", *lines, "---"])


def _summary(run: Run, about: About) -> str:
    counts, shape = run.data.counts, " x ".join(map(str, about.size))
    lines = [
        f"# {about.model}, trained on {about.data}",
        f"Task: {about.task}. Input: {shape}, {about.channels} channel(s), 8 bits. It was trained "
        f"on {counts['train']:,} examples, {counts['val']:,} were used to choose when to stop and "
        f"which settings, and {counts['test']:,} were held out for the figures below.",
    ]
    if about.licence:
        lines.append(f"Licence of the data: {about.licence}.")
    if about.part == "answer" and isinstance(about.target, Values | Labels):
        kind = "" if isinstance(about.target, Values) else "any of the labels "
        lines.append(f"It predicts {kind}{listed(about.target.names, MAX_CLASSES)}.")
    if _classifies_images(about):
        count = len(about.classes) - MAX_CLASSES
        more = f" and {count} more" if count > 0 else ""
        lines.append(f"Classes: {', '.join(about.classes[:MAX_CLASSES])}{more}.")
    return "\n\n".join(lines)


def _results(run: Run) -> str:
    rows = [
        f"| {name.replace('_', ' ')} | {value:.4g} |"
        for name, value in run.results.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    looks = sum(look["on"] == "test" for look in run.looks)
    return "\n".join([
        "## On the test set", "", "| measure | value |", "| --- | --- |", *rows, "",
        f"The test set was evaluated {looks} time(s) in all; it was not used to choose anything.",
    ])  # fmt: skip


def _usage(about: About) -> str:
    call = {
        "answer": 'model.predict("image.png")[0].to_dict()' if len(about.size) == 2
        else "model.answer(pixels)  # uint8, examples x grid x channels",
        "reconstruct": "model.answer(pixels)  # uint8, examples x grid x channels",
        "generate": f"model.answer(z)  # float32, examples x {about.latent}, from N(0, 1)",
        "paint": "model.answer(places)  # float32, places x 2, (row, column) in -1..1",
    }[about.part]  # fmt: skip
    return "\n".join([
        "## Use", "", "```python", "import cutaway as ca", "",
        'model = ca.from_pretrained("path/of/this/folder")', call,
        "model.network  # the torch.nn.Module", "```",
    ])  # fmt: skip


def _limits(run: Run, about: About) -> str:
    lines = [
        f"- It knows what `{about.data}` holds and nothing else: on other images it predicts too, "
        "and may be confident and wrong.",
        "- The figures are of one network and one split; another seed gives others (`cutaway "
        "train --replicates 8` shows how much).",
    ]
    findings = len(run.split.findings)
    if findings:
        lines.append(f"- The audit of its data has {findings} finding(s): see the run's report.")
    return "\n".join(["## Limits", "", *lines])


def _classifies_images(about: About) -> bool:
    pictures = len(about.size) == 2
    return about.part == "answer" and isinstance(about.target, Classes) and pictures
