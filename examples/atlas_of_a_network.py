"""An atlas: a network as pages, which open in a browser without a server.

Each channel has a page with its pictures, the photos that excite it and what another network sees
in them; a slider shows what is left of a photo at each depth. This one is small: three channels
of a layer, and two depths. `small/index.html` is the page to open.
"""

import subprocess
from pathlib import Path

subprocess.run(
    ["preimage", "atlas", "build", "efficientnet-lite0", "--out", "small", "--layers", "blocks.5",
     "--channels", "0-2", "--depths", "2", "--limit", "1"],
    check=True,
)  # fmt: skip

pages = sorted(Path("small").rglob("*.html"))
print(len(pages), "pages, such as", *pages[:3])
