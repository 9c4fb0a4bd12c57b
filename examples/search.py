"""Find settings on validation images, and train the best with other seeds."""

import cutaway as ca

found = ca.search("mlp", "digits", trials=4, over={"lr": (0.001, 0.3), "dropout": (0.0, 0.5)})
print(found.best.lr, found.best.dropout)
fleet = ca.fit(recipe=found.best, replicates=3)
print(fleet)
