"""VLFeat itself, through ctypes: `vl_hog` and `vl_dsift` of Debian's libvlfeat1."""

from __future__ import annotations

import ctypes
import ctypes.util
from ctypes import POINTER, c_double, c_float, c_int, c_size_t, c_uint64, c_void_p
from functools import cache

import numpy as np

MISSING = "VLFeat is not installed (Debian: apt-get install libvlfeat1)"
_UOCTTI = 1


class _Geometry(ctypes.Structure):
    _fields_ = (
        ("num_bin_t", c_int),
        ("num_bin_x", c_int),
        ("num_bin_y", c_int),
        ("bin_size_x", c_int),
        ("bin_size_y", c_int),
    )


class _DsiftFilter(ctypes.Structure):
    """`VlDsiftFilter` of vl/dsift.h, whose accessors are inline and thus not exported."""

    _fields_ = (
        ("width", c_int),
        ("height", c_int),
        ("step_x", c_int),
        ("step_y", c_int),
        ("bound_min_x", c_int),
        ("bound_min_y", c_int),
        ("bound_max_x", c_int),
        ("bound_max_y", c_int),
        ("geometry", _Geometry),
        ("use_flat_window", c_int),
        ("window_size", c_double),
        ("num_frames", c_int),
        ("descriptor_size", c_int),
        ("frames", POINTER(c_double * 4)),
        ("descriptors", POINTER(c_float)),
    )


@cache
def library() -> ctypes.CDLL | None:
    """The shared library, or None where it is not installed."""
    name = ctypes.util.find_library("vl") or "libvl.so.1"
    try:
        lib = ctypes.CDLL(name)
    except OSError:
        return None
    lib.vl_hog_new.restype = c_void_p
    lib.vl_hog_new.argtypes = (c_int, c_size_t, c_int)
    lib.vl_hog_set_use_bilinear_orientation_assignments.argtypes = (c_void_p, c_int)
    lib.vl_hog_put_image.argtypes = (
        c_void_p, POINTER(c_float), c_size_t, c_size_t, c_size_t, c_size_t,
    )  # fmt: skip
    for name in ("width", "height", "dimension"):
        function = getattr(lib, f"vl_hog_get_{name}")
        function.restype, function.argtypes = c_uint64, (c_void_p,)
    lib.vl_hog_extract.argtypes = (c_void_p, POINTER(c_float))
    lib.vl_hog_delete.argtypes = (c_void_p,)
    lib.vl_dsift_new_basic.restype = POINTER(_DsiftFilter)
    lib.vl_dsift_new_basic.argtypes = (c_int, c_int, c_int, c_int)
    lib._vl_dsift_update_buffers.argtypes = (POINTER(_DsiftFilter),)
    lib.vl_dsift_process.argtypes = (POINTER(_DsiftFilter), POINTER(c_float))
    lib.vl_dsift_delete.argtypes = (POINTER(_DsiftFilter),)
    return lib


def _loaded() -> ctypes.CDLL:
    lib = library()
    if lib is None:
        raise OSError(MISSING)
    return lib


def _floats(array: np.ndarray) -> ctypes._Pointer[c_float]:
    return array.ctypes.data_as(POINTER(c_float))


def hog(
    image: np.ndarray, cell_size: int = 8, orientations: int = 9, *, bilinear: bool = False
) -> np.ndarray:
    """`vl_hog`, UoCTTI, of an image (H, W): (3 * orientations, H', W'), texture left out."""
    lib = _loaded()
    pixels = np.ascontiguousarray(image, np.float32)
    height, width = pixels.shape
    handle = lib.vl_hog_new(_UOCTTI, orientations, 0)
    try:
        lib.vl_hog_set_use_bilinear_orientation_assignments(handle, bilinear)
        lib.vl_hog_put_image(handle, _floats(pixels), width, height, 1, cell_size)
        shape = [getattr(lib, f"vl_hog_get_{n}")(handle) for n in ("dimension", "height", "width")]
        code = np.zeros(shape, np.float32)
        lib.vl_hog_extract(handle, _floats(code))
    finally:
        lib.vl_hog_delete(handle)
    return code[: 3 * orientations]


def dsift(image: np.ndarray, step: int, cell_size: int, orientations: int = 8) -> np.ndarray:
    """`vl_dsift`, flat window, of an image (H, W): (16 * orientations, H', W')."""
    lib = _loaded()
    pixels = np.ascontiguousarray(image, np.float32)
    height, width = pixels.shape
    handle = lib.vl_dsift_new_basic(width, height, step, cell_size)
    try:
        dsift_filter = handle.contents
        dsift_filter.use_flat_window = 1
        dsift_filter.geometry.num_bin_t = orientations
        lib._vl_dsift_update_buffers(handle)
        lib.vl_dsift_process(handle, _floats(pixels))
        frames, size = dsift_filter.num_frames, dsift_filter.descriptor_size
        flat = np.ctypeslib.as_array(dsift_filter.descriptors, (frames, size)).copy()
    finally:
        lib.vl_dsift_delete(handle)
    least = 3 * cell_size + 1
    grid = [(length - least) // step + 1 for length in (height, width)]
    return flat.T.reshape(size, *grid)
