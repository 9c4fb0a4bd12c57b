"""The track's networks in Keras: maps come last, `softmax` is left to the loss."""

from keras import Input, KerasTensor, Model, Sequential, initializers, layers, ops


def mlp(n_in: int, hidden: int, classes: int) -> Model:
    """One hidden layer of ReLUs."""
    return Sequential(
        [
            Input((n_in,)),
            layers.Dense(hidden, activation="relu"),
            layers.Dense(classes),
        ]
    )


def lenet5() -> Model:
    """6 and 16 maps of 5 x 5, then 120, 84 and the 10 classes: 61,706 parameters."""
    return Sequential(
        [
            Input((28, 28, 1)),
            layers.Conv2D(6, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 5, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(120, activation="relu"),
            layers.Dense(84, activation="relu"),
            layers.Dense(10),
        ]
    )


def resnet20() -> Model:
    """Three stages of three blocks with 16, 32 and 64 maps: 269,722 parameters.

    Source: He et al. 2015, section 4.2, shortcut A.
    """
    image = Input((32, 32, 3))
    x = layers.ReLU()(_convolved(image, 16, 1))
    for maps in (16, 32, 64):
        for block in range(3):
            x = _block(x, maps, 2 if maps > 16 and block == 0 else 1)
    return Model(image, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)))


def _block(x: KerasTensor, maps: int, stride: int) -> KerasTensor:
    y = layers.ReLU()(_convolved(x, maps, stride))
    y = _convolved(y, maps, 1)
    if stride > 1:
        new = (maps - x.shape[-1]) // 2
        x = ops.pad(x[:, ::stride, ::stride], ((0, 0), (0, 0), (0, 0), (new, new)))
    return layers.ReLU()(layers.Add()([x, y]))


def _convolved(x: KerasTensor, maps: int, stride: int) -> KerasTensor:
    drawn = initializers.VarianceScaling(2.0, mode="fan_out", distribution="untruncated_normal")
    x = layers.Conv2D(maps, 3, stride, padding="same", use_bias=False, kernel_initializer=drawn)(x)
    return _norm()(x)


def generator(latent: int = 100) -> Model:
    """A seed to 64 maps of 7 x 7, doubled to 32 of 14 x 14 and to the image.

    Source: Radford et al. 2016.
    """
    return Sequential(
        [
            Input((latent,)),
            layers.Dense(7 * 7 * 64, use_bias=False, kernel_initializer=_small()),
            layers.Reshape((7, 7, 64)),
            _norm(),
            layers.ReLU(),
            layers.Conv2DTranspose(
                32, 4, 2, padding="same", use_bias=False, kernel_initializer=_small()
            ),
            _norm(),
            layers.ReLU(),
            layers.Conv2DTranspose(
                1, 4, 2, padding="same", activation="tanh", kernel_initializer=_small()
            ),
        ]
    )


def discriminator() -> Model:
    """The way back, without a norm for the image; the logit of being real."""
    return Sequential(
        [
            Input((28, 28, 1)),
            layers.Conv2D(32, 4, 2, padding="same", kernel_initializer=_small()),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Conv2D(64, 4, 2, padding="same", use_bias=False, kernel_initializer=_small()),
            _norm(),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Flatten(),
            layers.Dense(1, kernel_initializer=_small()),
        ]
    )


def _small() -> initializers.Initializer:
    return initializers.RandomNormal(stddev=0.02)


def _norm() -> layers.Layer:
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)


def example() -> Model:
    """The network of keras.io's "Simple MNIST convnet"."""
    return Sequential(
        [
            Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
