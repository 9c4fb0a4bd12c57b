"""Code of one's own in the loop: after each epoch, how large the weights of each layer are."""

import cutaway as ca


class Norms(ca.Callback):
    """Prints the norm of each weight matrix; a callback that only reads changes no result."""

    def on_epoch_end(self, training, row):
        norms = {
            name: f"{float(p.norm()):.2f}"
            for name, p in training.model.named_parameters() if p.ndim > 1
        }  # fmt: skip
        print(f"Epoch {row['epoch']}: {row['val_accuracy']:.1%}, norms {norms}")


run = ca.fit("mlp", "digits", epochs=5, callbacks=[Norms()], progress=False)
print(run)
