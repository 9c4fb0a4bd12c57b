"""The track's networks in Flax NNX: maps come last, `softmax` is left to the loss."""

from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
from flax import nnx


class MLP(nnx.Module):
    """One hidden layer of ReLUs."""

    def __init__(self, n_in: int, hidden: int, classes: int, *, rngs: nnx.Rngs):
        self.hidden = nnx.Linear(n_in, hidden, rngs=rngs)
        self.output = nnx.Linear(hidden, classes, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.output(nnx.relu(self.hidden(x)))


class LeNet5(nnx.Module):
    """6 and 16 maps of 5 x 5, then 120, 84 and the 10 classes: 61,706 parameters."""

    def __init__(self, *, rngs: nnx.Rngs):
        self.c1 = nnx.Conv(1, 6, (5, 5), rngs=rngs)
        self.c3 = nnx.Conv(6, 16, (5, 5), padding="VALID", rngs=rngs)
        self.c5 = nnx.Linear(400, 120, rngs=rngs)
        self.f6 = nnx.Linear(120, 84, rngs=rngs)
        self.output = nnx.Linear(84, 10, rngs=rngs)
        self.pool = partial(nnx.max_pool, window_shape=(2, 2), strides=(2, 2))

    def __call__(self, x: jax.Array) -> jax.Array:
        x = self.pool(nnx.relu(self.c1(x)))
        x = self.pool(nnx.relu(self.c3(x)))
        x = nnx.relu(self.c5(x.reshape(len(x), -1)))
        return self.output(nnx.relu(self.f6(x)))


class Convolved(nnx.Module):
    """A 3 x 3 convolution, normalised."""

    def __init__(self, c_in: int, c_out: int, stride: int, *, rngs: nnx.Rngs):
        drawn = nnx.initializers.variance_scaling(2.0, "fan_out", "normal")
        self.w = nnx.Conv(c_in, c_out, (3, 3), stride, use_bias=False, kernel_init=drawn, rngs=rngs)
        self.norm = nnx.BatchNorm(c_out, momentum=0.9, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.norm(self.w(x))


class Residual(nnx.Module):
    """Two convolutions beside shortcut A: every second pixel, new maps zero."""

    def __init__(self, c_in: int, c_out: int, *, rngs: nnx.Rngs):
        self.stride, self.new = c_out // c_in, (c_out - c_in) // 2
        self.w1 = Convolved(c_in, c_out, self.stride, rngs=rngs)
        self.w2 = Convolved(c_out, c_out, 1, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        y = self.w2(nnx.relu(self.w1(x)))
        x = x[:, :: self.stride, :: self.stride]
        return nnx.relu(y + jnp.pad(x, ((0, 0), (0, 0), (0, 0), (self.new, self.new))))


class ResNet20(nnx.Module):
    """Three stages of three blocks with 16, 32 and 64 maps: 269,722 parameters.

    Source: He et al. 2015, section 4.2.
    """

    def __init__(self, *, rngs: nnx.Rngs):
        widths = (16, 16, 16, 16, 32, 32, 32, 64, 64, 64)
        self.stem = Convolved(3, 16, 1, rngs=rngs)
        self.blocks = nnx.List(Residual(a, b, rngs=rngs) for a, b in pairwise(widths))
        self.output = nnx.Linear(64, 10, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = nnx.relu(self.stem(x))
        for block in self.blocks:
            x = block(x)
        return self.output(x.mean((1, 2)))


SMALL = nnx.initializers.normal(0.02)


class Generator(nnx.Module):
    """A seed to 64 maps of 7 x 7, doubled to 32 of 14 x 14 and to the image.

    Source: Radford et al. 2016.
    """

    def __init__(self, latent: int = 100, *, rngs: nnx.Rngs):
        plain = {"use_bias": False, "kernel_init": SMALL, "rngs": rngs}
        self.project = nnx.Linear(latent, 7 * 7 * 64, **plain)
        self.norm1 = nnx.BatchNorm(64, momentum=0.9, rngs=rngs)
        self.up = nnx.ConvTranspose(64, 32, (4, 4), (2, 2), **plain)
        self.norm2 = nnx.BatchNorm(32, momentum=0.9, rngs=rngs)
        self.output = nnx.ConvTranspose(32, 1, (4, 4), (2, 2), kernel_init=SMALL, rngs=rngs)

    def __call__(self, z: jax.Array) -> jax.Array:
        x = nnx.relu(self.norm1(self.project(z).reshape(-1, 7, 7, 64)))
        x = nnx.relu(self.norm2(self.up(x)))
        return jnp.tanh(self.output(x))


class Discriminator(nnx.Module):
    """The way back, without a norm for the image; the logit of being real."""

    def __init__(self, *, rngs: nnx.Rngs):
        self.u1 = nnx.Conv(1, 32, (4, 4), (2, 2), kernel_init=SMALL, rngs=rngs)
        self.u2 = nnx.Conv(32, 64, (4, 4), (2, 2), use_bias=False, kernel_init=SMALL, rngs=rngs)
        self.norm = nnx.BatchNorm(64, momentum=0.9, rngs=rngs)
        self.output = nnx.Linear(7 * 7 * 64, 1, kernel_init=SMALL, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = nnx.leaky_relu(self.u1(x), 0.2)
        x = nnx.leaky_relu(self.norm(self.u2(x)), 0.2)
        return self.output(x.reshape(len(x), -1))[:, 0]


class ExampleNet(nnx.Module):
    """The network of Flax's own MNIST tutorial, from its description."""

    def __init__(self, *, rngs: nnx.Rngs):
        self.conv1 = nnx.Conv(1, 32, kernel_size=(3, 3), rngs=rngs)
        self.norm1 = nnx.BatchNorm(32, rngs=rngs)
        self.dropout1 = nnx.Dropout(rate=0.025)
        self.conv2 = nnx.Conv(32, 64, kernel_size=(3, 3), rngs=rngs)
        self.norm2 = nnx.BatchNorm(64, rngs=rngs)
        self.pool = partial(nnx.avg_pool, window_shape=(2, 2), strides=(2, 2))
        self.linear1 = nnx.Linear(3136, 256, rngs=rngs)
        self.dropout2 = nnx.Dropout(rate=0.025)
        self.linear2 = nnx.Linear(256, 10, rngs=rngs)

    def __call__(self, x: jax.Array, rngs: nnx.Rngs | None = None) -> jax.Array:
        x = self.pool(nnx.relu(self.norm1(self.dropout1(self.conv1(x), rngs=rngs))))
        x = self.pool(nnx.relu(self.norm2(self.conv2(x))))
        x = nnx.relu(self.dropout2(self.linear1(x.reshape(len(x), -1)), rngs=rngs))
        return self.linear2(x)
