"""A classifier for a folder that holds a folder of pictures for each class.

    python examples/folder.py photographs/ new/

What suits the pictures is chosen by itself; the second folder holds pictures to sort.
"""

import sys

import cutaway as ca

photographs, new = sys.argv[1:]
images = ca.load(photographs)  # checked for copies, broken files and groups that belong together
print(images)

run = ca.fit(data=photographs, quality="fast")
print(run)
for one in run.predict_stream(new):
    print(one.name, one.error or one.label)
