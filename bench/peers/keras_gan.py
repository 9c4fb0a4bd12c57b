"""The GAN of Keras's guide to `train_step` with PyTorch: two optimizers, a step of each player."""

import keras
import torch
from torch import Tensor


class GAN(keras.Model):
    """A discriminator's logit of being real against a generator from N(0, 1)."""

    def __init__(self, discriminator: keras.Model, generator: keras.Model, latent: int):
        super().__init__()
        self.discriminator, self.generator, self.latent = discriminator, generator, latent
        self.d_loss = keras.metrics.Mean(name="d_loss")
        self.g_loss = keras.metrics.Mean(name="g_loss")
        self.built = True

    @property
    def metrics(self) -> list[keras.Metric]:
        return [self.d_loss, self.g_loss]

    def compile(self, for_d: keras.Optimizer, for_g: keras.Optimizer) -> None:
        super().compile()
        self.for_d, self.for_g = for_d, for_g
        self.loss_fn = keras.losses.BinaryCrossentropy(from_logits=True)

    def train_step(self, real: Tensor | tuple[Tensor, ...]) -> dict[str, Tensor]:
        real = real[0] if isinstance(real, tuple) else real
        with torch.no_grad():
            fake = self.drawn(len(real))
        j_d = self.judged(real, 1.0) + self.judged(fake, 0.0)
        self.step(j_d, self.discriminator, self.for_d)
        j_g = self.judged(self.drawn(len(real)), 1.0)
        self.step(j_g, self.generator, self.for_g)
        self.d_loss.update_state(j_d)
        self.g_loss.update_state(j_g)
        return {metric.name: metric.result() for metric in self.metrics}

    def drawn(self, count: int) -> Tensor:
        return self.generator(keras.random.normal((count, self.latent)), training=True)

    def judged(self, images: Tensor, target: float) -> Tensor:
        logits = self.discriminator(images, training=True)
        return self.loss_fn(torch.full_like(logits, target), logits)

    def step(self, loss: Tensor, player: keras.Model, optimizer: keras.Optimizer) -> None:
        self.zero_grad()
        loss.backward()
        weights = player.trainable_weights
        with torch.no_grad():
            optimizer.apply([weight.value.grad for weight in weights], weights)
