"""JAX as the guides of Flax NNX have it: arrays in memory, a jitted step, a permutation an epoch.

A step is dispatched before it is done: whoever tells the watch of it waits for its loss.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from bench.peers import arrays, command, data
from bench.peers.flax_nets import (
    MLP,
    Discriminator,
    ExampleNet,
    Generator,
    LeNet5,
    ResNet20,
)
from bench.peers.watch import Watch
from bench.peers.works import WORKS, Work

Found = dict[str, object]
Build = Callable[..., nnx.Module]
Step = Callable[[np.ndarray, np.ndarray], jax.Array]


def batches(x: np.ndarray, t: np.ndarray, size: int, order: np.ndarray) -> Iterator[data.Arrays]:
    for i in range(0, len(order), size):
        chosen = order[i : i + size]
        yield x[chosen], t[chosen]


def cross_entropy(model: nnx.Module, x: jax.Array, t: jax.Array) -> jax.Array:
    return optax.softmax_cross_entropy_with_integer_labels(model(x), t).mean()


def update(model: nnx.Module, optimizer: nnx.Optimizer, x: jax.Array, t: jax.Array) -> jax.Array:
    """One step of learning, in place; the loss before it."""
    loss, gradients = nnx.value_and_grad(cross_entropy)(model, x, t)
    optimizer.update(model, gradients)
    return loss


def learner(build: Build, work: Work, rngs: nnx.Rngs) -> tuple[nnx.Module, nnx.Optimizer]:
    model = build(rngs=rngs)
    sgd = optax.sgd(work.rate, momentum=0.9, nesterov=True)
    return model, nnx.Optimizer(model, sgd, wrt=nnx.Param)


def epochs(step: Step, examples: data.Arrays, work: Work, watch: Watch, shuffle: bool) -> Found:
    """Every epoch of a work; the mean loss of each."""
    x, t = examples
    random, losses = np.random.default_rng(0), []
    for _ in range(work.epochs):
        order = random.permutation(len(x)) if shuffle else np.arange(len(x))
        found = []
        for xs, ts in batches(x, t, work.batch, order):
            found.append(step(xs, ts))
            if not watch.first:
                found[0].block_until_ready()
                watch.step()
        losses.append(float(jnp.stack(found).mean()))
        watch.epoch()
    return {"losses": losses}


def classify(
    build: Build,
    read: Callable[[Work], data.Arrays],
    work: Work,
    watch: Watch,
    shuffle: bool = True,
) -> Found:
    """One network; the guide on performance has `cached_partial`."""
    step = nnx.cached_partial(nnx.jit(update), *learner(build, work, nnx.Rngs(0)))
    return epochs(step, read(work), work, watch, shuffle)


def fleet(work: Work, watch: Watch) -> Found:
    """All networks at once on each batch, `nnx.vmap` over their seeds."""

    @nnx.split_rngs(splits=work.nets)
    @nnx.vmap
    def learners(rngs: nnx.Rngs) -> tuple[nnx.Module, nnx.Optimizer]:
        return learner(partial(MLP, 784, 128, 10), work, rngs)

    every = nnx.jit(nnx.vmap(update, in_axes=(0, 0, None, None)))
    step = nnx.cached_partial(every, *learners(nnx.Rngs(0)))
    return epochs(step, arrays.vectors(work), work, watch, shuffle=True)


def play(
    players: tuple[Discriminator, Generator],
    optimizers: tuple[nnx.Optimizer, nnx.Optimizer],
    rngs: nnx.Rngs,
    real: jax.Array,
) -> jax.Array:
    """One step of the discriminator, then one of the generator; the loss of each."""
    (d, g), (for_d, for_g) = players, optimizers
    bce, ones = optax.sigmoid_binary_cross_entropy, jnp.ones(len(real))

    def j_d(d: Discriminator, fake: jax.Array) -> jax.Array:
        return (bce(d(real), ones) + bce(d(fake), 0 * ones)).mean()

    def j_g(g: Generator, d: Discriminator, z: jax.Array) -> jax.Array:
        return bce(d(g(z)), ones).mean()

    loss_d, gradients = nnx.value_and_grad(j_d)(d, g(rngs.normal((len(real), 100))))
    for_d.update(d, gradients)
    loss_g, gradients = nnx.value_and_grad(j_g)(g, d, rngs.normal((len(real), 100)))
    for_g.update(g, gradients)
    return jnp.stack([loss_d, loss_g])


def dcgan(work: Work, watch: Watch) -> Found:
    rngs = nnx.Rngs(0)
    players = Discriminator(rngs=rngs), Generator(rngs=rngs)
    adam = optax.adam(work.rate, b1=0.5)
    optimizers = tuple(nnx.Optimizer(player, adam, wrt=nnx.Param) for player in players)
    x = arrays.gan(work)
    step = nnx.cached_partial(nnx.jit(play), players, optimizers, rngs)
    return epochs(lambda x, _: step(x), (x, np.arange(len(x))), work, watch, shuffle=True)


def tutorial_loss(
    model: ExampleNet, x: jax.Array, t: jax.Array, rngs: nnx.Rngs
) -> tuple[jax.Array, jax.Array]:
    logits = model(x, rngs)
    return optax.softmax_cross_entropy_with_integer_labels(logits, t).mean(), logits


@nnx.jit
def tutorial_step(
    model: ExampleNet,
    optimizer: nnx.Optimizer,
    metrics: nnx.MultiMetric,
    rngs: nnx.Rngs,
    x: jax.Array,
    t: jax.Array,
) -> None:
    compute = nnx.value_and_grad(tutorial_loss, has_aux=True)
    (loss, logits), gradients = compute(model, x, t, rngs)
    metrics.update(loss=loss, logits=logits, labels=t)
    optimizer.update(model, gradients)


def example(watch: Watch) -> None:
    """Flax's own MNIST tutorial: 1,200 steps of 32 images, with a look every 200 steps."""
    model = ExampleNet(rngs=nnx.Rngs(0))
    optimizer = nnx.Optimizer(model, optax.adamw(0.005, 0.9), wrt=nnx.Param)
    metrics = nnx.MultiMetric(accuracy=nnx.metrics.Accuracy(), loss=nnx.metrics.Average("loss"))
    learning = nnx.view(model, deterministic=False, use_running_average=False)
    answering = nnx.view(model, deterministic=True, use_running_average=True)
    (x, t), test, rngs = data.mnist(), data.mnist("test"), nnx.Rngs(0)
    x = x[..., None].astype(np.float32) / 255
    order = np.random.default_rng(0).permutation(len(x))[: 1_200 * 32]
    for step, (xs, ts) in enumerate(batches(x, t, 32, order)):
        tutorial_step(learning, optimizer, metrics, rngs, xs, ts)
        if step == 0:
            jax.block_until_ready(nnx.state(model))
            watch.step()
        if step > 0 and (step % 200 == 0 or step == 1_199):
            jax.block_until_ready(metrics.compute())
            metrics.reset()
            with watch.off_the_clock():
                share = accuracy(answering, *test)
            if command.enough(watch, share):
                break


def accuracy(model: ExampleNet, images: np.ndarray, t: np.ndarray) -> float:
    """Share of right answers."""
    right = 0
    for xs, ts in batches(images, t, 1_000, np.arange(len(t))):
        logits = nnx.jit(ExampleNet.__call__)(model, xs[..., None].astype(np.float32) / 255)
        right += int((logits.argmax(1) == ts).sum())
    return right / len(t)


def save(path: Path) -> None:
    """A LeNet-5 that saw 6,400 images, by Orbax."""
    import orbax.checkpoint as ocp

    work = replace(WORKS["lenet5"], images=6_400, epochs=1)
    model, optimizer = learner(LeNet5, work, nnx.Rngs(0))
    step = nnx.cached_partial(nnx.jit(update), model, optimizer)
    epochs(step, arrays.mnist(work), work, Watch(), shuffle=True)
    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(path.absolute(), nnx.state(model), force=True)


def predict(path: Path, image: Path) -> tuple[int, float]:
    """What a user writes to ask a saved network."""
    import orbax.checkpoint as ocp
    from PIL import Image

    graph, like = nnx.split(nnx.eval_shape(lambda: LeNet5(rngs=nnx.Rngs(0))))
    with ocp.StandardCheckpointer() as checkpointer:
        model = nnx.merge(graph, checkpointer.restore(path.absolute(), like))
    x = arrays.pixels(np.asarray(Image.open(image).convert("L")))
    chances = nnx.softmax(model(x[None]))[0]
    return int(chances.argmax()), float(chances.max())


TRAIN = {
    "xor": partial(classify, partial(MLP, 2, 8, 2), arrays.xor, shuffle=False),
    "digits": partial(classify, partial(MLP, 64, 32, 10), arrays.digits),
    "mlp": partial(classify, partial(MLP, 784, 128, 10), arrays.vectors),
    "lenet5": partial(classify, LeNet5, arrays.mnist),
    "resnet20": partial(classify, ResNet20, arrays.cifar10),
    "dcgan": dcgan,
    "fleet": fleet,
    "rocks": "no weights of EfficientNet-Lite0 for Flax install from the package index",
}

if __name__ == "__main__":
    command.run(TRAIN, example, save, predict)
