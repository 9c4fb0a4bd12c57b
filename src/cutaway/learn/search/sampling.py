"""Questions to optuna: what to try next, when to give up, what mattered.

Each answer depends on the trials so far and on the seed alone. Nothing is kept between two
questions, so that a search which was killed goes on as if nothing had happened.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cutaway.errors import UsageError
from cutaway.learn.search.axes import Axis, Choice
from cutaway.learn.search.space import Space, Values
from cutaway.learn.search.trial import Trial
from cutaway.randomness import derive

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

FEW = 5
"""Trials that have to have ended before another is pruned, or any importance is told."""


def require_optuna() -> None:
    """Raises UsageError where optuna is not installed."""
    try:
        import optuna  # noqa: F401
    except ImportError:
        raise UsageError(
            "Searching needs optuna, which is not installed: pip install 'cutaway[search]'."
        ) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what optuna itself says on the terminal; its settings are put back."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)


def draw(
    space: Space, trials: Sequence[Trial], higher: bool, seed: int, *purpose: int | str
) -> Values:
    """Draw a point to try next, by a tree-structured Parzen estimator (at first at random).

    Source: Bergstra et al. 2011, 'Algorithms for hyper-parameter optimization', section 4.

    Args:
        higher: whether a higher objective is better.
        purpose: names the stream of `seed` that it is drawn from.
    """
    with _quiet():
        study = _study(space, trials, higher, derive(seed, *purpose) % 2**32)
        return study.ask(_distributions(space)).params


def pruner(
    space: Space, trials: Sequence[Trial], higher: bool, warmup: int
) -> Callable[[int, float], bool]:
    """Whether a new trial, told (epoch, objective) after each epoch, is to be given up.

    It is where its best so far is worse than what the median of the others had by then
    (Golovin et al. 2017, 'Google Vizier', section 3.4).

    Args:
        warmup: epochs in which nothing is given up.
    """
    with _quiet():
        trial = _study(space, trials, higher, 0, warmup).ask()

    def hopeless(epoch: int, value: float) -> bool:
        with _quiet():
            trial.report(value, epoch)
            return bool(trial.should_prune())  # of NumPy's own kind otherwise

    return hopeless


def importance(space: Space, trials: Sequence[Trial], higher: bool) -> dict[str, float]:
    """Each field's share of what the settings explain of the objective, the largest first.

    Empty where fewer than `FEW` trials have ended, or all came to the same.

    Source: Hutter et al. 2014, 'An efficient approach for assessing hyperparameter importance'.
    """
    ended = [trial for trial in trials if trial.state == "ended"]
    if len(ended) < FEW or len({trial.value for trial in ended}) == 1:
        return {}
    with _quiet():
        from optuna.importance import FanovaImportanceEvaluator, get_param_importances

        study = _study(space, ended, higher, 0)
        shares = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
    return {name: float(share) for name, share in shares.items()}


def _study(
    space: Space, trials: Sequence[Trial], higher: bool, seed: int, warmup: int = 0
) -> "Study":
    """A study of the trials that are over."""
    import optuna

    study = optuna.create_study(
        direction="maximize" if higher else "minimize",
        sampler=optuna.samplers.TPESampler(seed=seed, multivariate=True),
        pruner=optuna.pruners.MedianPruner(FEW, n_warmup_steps=warmup + 1),
    )
    distributions = _distributions(space)
    study.add_trials([_frozen(one, distributions) for one in trials if one.state != "running"])
    return study


def _frozen(trial: Trial, distributions: "dict[str, BaseDistribution]") -> "FrozenTrial":
    """In optuna's words. What failed counts as given up at once: it says where not to look."""
    from optuna.trial import TrialState, create_trial

    return create_trial(
        state=TrialState.COMPLETE if trial.state == "ended" else TrialState.PRUNED,
        params=trial.drawn,
        distributions=distributions,
        value=trial.value,
        intermediate_values=dict(trial.values) if trial.state != "failed" else {},
    )


def _distributions(space: Space) -> "dict[str, BaseDistribution]":
    return {name: _distribution(axis) for name, axis in space.items()}


def _distribution(axis: Axis) -> Any:
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if isinstance(axis, Choice):
        return CategoricalDistribution(axis.values)
    if axis.whole:
        return IntDistribution(int(axis.low), int(axis.high))
    return FloatDistribution(axis.low, axis.high, log=axis.log)
