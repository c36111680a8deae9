"""Writes archives as NumPy does, stored.npz and deflated.npz, for crates/cli/tests/cli/npz.rs.

    venv/bin/python tests/data/archives.py
"""

import pathlib

import numpy as np

x = np.linspace(-4, 4, 24)
arrays = {
    "half": x.astype("<f2"),
    "single": x.astype("<f4"),
    "labels": np.arange(7),
    "big": x.astype(">f8"),
    "column": np.asfortranarray(x.reshape(4, 6).astype("<f4")),
    "scalar": np.float64(1.25),
    "words": np.array(["a", "bc"]),
    "empty": np.zeros((3, 0), "<f4"),
}
folder = pathlib.Path(__file__).parent
np.savez(folder / "stored.npz", **arrays)
np.savez_compressed(folder / "deflated.npz", **arrays)
