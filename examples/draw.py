"""A network that draws: a variational autoencoder of digits, and pictures from its codes."""

from PIL import Image

import cutaway as ca

run = ca.fit("vae", "digits", epochs=10)
drawn = run.generate(8, seed=0)  # bytes, 8 x height x width x channels
row = drawn[..., 0].permute(1, 0, 2).flatten(1)
Image.fromarray(row.numpy()).save("drawn.png")
print("drawn.png:", tuple(row.shape))
