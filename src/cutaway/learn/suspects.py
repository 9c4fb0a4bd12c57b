"""Labels that may be wrong, found by what images of the same class have in common."""

import warnings
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from cutaway.data.copies import copies
from cutaway.data.duplicates import join_clusters
from cutaway.data.folds import folds
from cutaway.data.imageset import ImageSet
from cutaway.data.sources import load
from cutaway.data.target import Classes
from cutaway.errors import DataError, UsageError
from cutaway.learn.classification import Classification
from cutaway.learn.fleet import Fleet
from cutaway.learn.image_features import (
    Features,
    Progress,
    image_features,
    principal_components,
)
from cutaway.learn.kinds import kind_at, open_job
from cutaway.randomness import derive

FOLDS = 5
COMPONENTS = 128
"""Principal components of the features that the classifier sees."""
STRENGTH = 0.01
"""Inverse strength of its penalty: strong, so that a wrong label is not learned by heart."""
FEWEST = 2 * FOLDS
"""Images below which nothing can be said."""


@dataclass(frozen=True)
class Suspects:
    """Images whose label contradicts what the others with their features are called.

    Attributes:
        probabilities: of each image, by a classifier that did not learn from it or its copies.
        targets: the labels as they stand.
        made_by: in words, whose probabilities they are.
    """

    probabilities: Float[np.ndarray, "n k"]
    targets: Int[np.ndarray, " n"]
    made_by: str

    @cached_property
    def suggested(self) -> Int[np.ndarray, " n"]:
        """The class that each image looks like."""
        best: np.ndarray = self.probabilities.argmax(1)
        return best

    @property
    def confidence(self) -> Float[np.ndarray, " n"]:
        """The probability of what is suggested."""
        most: np.ndarray = self.probabilities.max(1)
        return most

    @cached_property
    def order(self) -> Int[np.ndarray, " m"]:
        """Positions of the suspects, the likeliest first."""
        found = np.flatnonzero(suspected(self.probabilities, self.targets))
        own = of_label(self.probabilities, self.targets)[found]
        return found[np.argsort(own, kind="stable")]


def suspects_of(
    source: str,
    size: int | None = None,
    label: str = "",
    group_by: str = "",
    progress: Progress | None = None,
) -> tuple[ImageSet, Suspects]:
    """The images of a data set, of a run or of a fleet, and which labels of theirs may be wrong.

    Of a fleet of folds the networks' own answers are asked, each to the images that it was tested
    on; else a simple classifier is trained.

    Args:
        size, label, group_by: of data, see `load`; a run and a fleet have their own.

    Raises:
        UsageError: there is no such data, these are given for a run, or what `find_suspects`
            refuses.
    """
    if kind_at(source) is None:
        images = load(source, image_size=size, label=label, group_by=group_by, progress=progress)
        return images, find_suspects(images, progress)
    if size or label or group_by:
        raise UsageError(f"{source} has data and options of its own: leave out those of data.")
    job = open_job(source)
    images = job.images(progress)
    if isinstance(job, Fleet) and job.recipe.folds:
        return images, by_folds(job, images)
    return images, find_suspects(images, progress)


def by_folds(fleet: Fleet, images: ImageSet) -> Suspects:
    """The suspects of a fleet of folds: each image as a network tells it that was tested on it.

    Raises:
        UsageError: its task tells no classes.
        RunError: it has not ended.
    """
    total = np.zeros((len(images), len(images.classes)))
    for run in fleet.members:
        answers = run.saved_test()
        if not isinstance(answers, Classification):
            raise UsageError(f"{fleet.path} tells no classes, so its labels cannot be checked.")
        np.add.at(total, answers.index.numpy(), answers.probabilities.double().numpy())
    tested = total.sum(1, keepdims=True)
    return Suspects(
        total / np.maximum(tested, 1e-12),
        images.targets.numpy(),
        f"the networks of {fleet.path}, each asked about the images that it was tested on",
    )


def find_suspects(images: ImageSet, progress: Progress | None = None) -> Suspects:
    """Find the images of a set whose labels may be wrong.

    Raises:
        UsageError: they are no pictures, or have no classes.
        DataError: there are too few to say anything.
    """
    if not isinstance(images.target, Classes):
        raise UsageError(f"Wrong labels are looked for among classes; {images.target.description}.")
    unit = join_clusters(copies(images, lambda _: None).near, images.groups).numpy()
    targets, present = images.targets.numpy(), np.bincount(images.targets)
    if len(np.unique(unit)) < FEWEST or (present > 0).sum() < 2:
        raise DataError(
            f"Wrong labels cannot be told among {len(images)} images of "
            f"{(present > 0).sum()} classes: it takes {FEWEST} different images"
            f"{'' if images.groups is None else ', from as many groups,'} and two classes."
        )
    features = image_features(images, progress)
    p = out_of_fold(features, targets, unit, len(images.classes))
    whole = "" if images.groups is None else " that part no group"
    how = f"logistic regression on {features.made_by}, in {FOLDS} folds{whole}"
    return Suspects(p, targets, how)


def out_of_fold(
    features: Features, targets: Int[np.ndarray, " n"], unit: Int[np.ndarray, " n"], classes: int
) -> Float[np.ndarray, "n k"]:
    """The probabilities of each class, by classifiers that learned from the other folds.

    Args:
        unit: a number for each image, the same for copies and for images of one group, which stay
            in one fold: a wrong label that stands twice would confirm itself.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    _, unit = np.unique(unit, return_inverse=True)
    fold = folds(unit, targets, FOLDS, np.random.default_rng(derive(0, "suspects")))
    x = principal_components(features.values.numpy(), COMPONENTS)
    p = np.zeros((len(targets), classes))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # near its optimum is good enough
        for k in range(FOLDS):
            known, asked = fold != k, fold == k
            if len(np.unique(targets[known])) == 1:  # the other class has copies of one image only
                p[asked, targets[known][0]] = 1
                continue
            fitted = LogisticRegression(C=STRENGTH, max_iter=100).fit(x[known], targets[known])
            p[np.ix_(asked, fitted.classes_)] = fitted.predict_proba(x[asked])
    return p


def of_label(p: Float[np.ndarray, "n k"], t: Int[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """The probability of each image's own label: its self-confidence."""
    own: np.ndarray = p[np.arange(len(t)), t]
    return own


def suspected(p: Float[np.ndarray, "n k"], t: Int[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
    """Whether the label is less probable than by chance, 1/k.

    Of planted wrong labels that finds more than confident learning (Northcutt et al. 2021) does,
    and as precisely: see `scripts/suspects.py`.
    """
    unlikely: np.ndarray = of_label(p, t) < 1 / p.shape[1]
    return unlikely
