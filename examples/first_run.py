"""Train a network, test it once, and ask it about an image."""

from sklearn.datasets import load_digits

import cutaway as ca

run = ca.fit("lenet5", "digits", epochs=5)
print(f"Right on the test images: {run.results['accuracy']:.1%}")

digit = load_digits().images[7] / 16  # 8 x 8 pixels from 0 to 1
answer = run.predict(digit)[0]
for name, probability in answer.top[:3]:
    print(f"{name}: {probability:.1%}")
print(f"All that was found: {run.report()}")
