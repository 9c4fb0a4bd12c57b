"""Is one recipe better than another, or was it chance? Several seeds of each, and an interval."""

import cutaway as ca
from cutaway.learn.compare import compare
from cutaway.show import verdict

plain = ca.fit("mlp", "digits", epochs=5, replicates=6)
dropped = ca.fit("mlp", "digits", epochs=5, replicates=6, dropout=0.5)
print(plain, dropped, sep="\n")
for sentence in verdict.sentences(compare([plain.path, dropped.path])):
    print(sentence)
