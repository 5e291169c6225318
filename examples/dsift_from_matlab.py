"""Dense SIFT from MATLAB: invert what `vl_dsift` wrote into a .mat file.

In MATLAB, with VLFeat:

    image = single(rgb2gray(imread('photo.jpg')));
    [frames, descriptors] = vl_dsift(image, 'size', 8, 'step', 24, 'fast');
    save('dsift.mat', 'frames', 'descriptors');

`descriptors` is 128 x N, one frame below the other, and multiplied by 512. Here, the file is made
in Python as MATLAB would have made it. The script needs SciPy, which preimage does not bring:
`pip install scipy`.
"""

import numpy as np
from scipy.io import loadmat, savemat

import preimage
from preimage.photo_files import shipped_photos

dsift = preimage.DSIFT()
photo = dsift.preprocessing.load(shipped_photos()["rocket"], (361, 265))
code = dsift.encode(photo[None])[0].numpy()
rows, columns = code.shape[1:]
y, x = np.mgrid[:rows, :columns] * dsift.step + 13
savemat("dsift.mat", {
    "frames": np.stack([x.T.ravel(), y.T.ravel()]).astype(float),
    "descriptors": np.minimum(512 * code.transpose(0, 2, 1).reshape(128, -1), 255).astype(np.uint8),
})  # fmt: skip

# From here on, only the file is needed.
saved = loadmat("dsift.mat")
columns, rows = (len(set(axis)) for axis in saved["frames"])
codes = saved["descriptors"].reshape(128, columns, rows).transpose(0, 2, 1)

result = preimage.invert(dsift, codes=codes.astype(np.float32), code_scale=512)
print(result)
result.grid().save("reconstruction.png")
