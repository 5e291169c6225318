"""Class visualization: what a network has learned a tree frog to be.

Another network, which had no part in the pictures, says what it sees in them: it is a better
judge than the network that was asked. Both have weights in packages: the extras `demo` and `judge`.
"""

import preimage

network = preimage.network("efficientnet-lite0")
judge = preimage.Judge(["efficientnet-lite1"])
result = preimage.maximize(network, ["tree frog", "cheeseburger"], seeds=[0, 1])
result.grid(columns=4).save("classes.png")

for index, target in enumerate(result.targets):
    seen, probability = judge.names(result.to_pil(index))[0]
    print(f"{target}: {seen}, {probability:.2f}")
