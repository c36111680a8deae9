"""The scripts of docs/clusters.md, and the functions inside of xarray and Datasets."""

import os
import pathlib
import re
import secrets
import signal
import subprocess
import sys

# Before Datasets is imported.
os.environ["HF_HUB_OFFLINE"] = os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

import hard_sigmoid as hs
import numpy as np
import pytest
from oracle import FLOAT16, FLOAT32, FLOAT64, assert_same_bits, samples

pytestmark = pytest.mark.timeout(120)

TEXT = (pathlib.Path(__file__).parents[1] / "docs" / "clusters.md").read_text()
MODULES = {
    "Dask": ["distributed", "zarr"],
    "Ray Data": ["ray"],
    "xarray": ["xarray", "dask"],
    "Hugging Face Datasets": ["datasets"],
    "multiprocessing": [],
    "PyTorch's DataLoader": ["torch"],
}


def scripts():
    """Return the blocks of the script under each heading."""
    found = {}
    parts = re.split(r"^## (.+)\n\n", TEXT, flags=re.MULTILINE)
    for heading, section in zip(parts[1::2], parts[2::2]):
        blocks = re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
        if blocks:
            found[heading] = blocks
    return found


def test_every_script_is_run():
    assert scripts().keys() == MODULES.keys()
    blocks = sum(map(len, scripts().values()))
    assert TEXT.count("```python") == blocks and TEXT.count("```") == 2 * (blocks + TEXT.count("```sh"))


@pytest.mark.skipif(sys.platform == "win32", reason="fork and process groups")
@pytest.mark.parametrize("heading", MODULES)
def test_script(heading, tmp_path):
    for module in MODULES[heading]:
        pytest.importorskip(module)
    blocks = scripts()[heading]
    if not hs.adapters() and not os.environ.get("HARD_SIGMOID_REQUIRE"):
        blocks = [block for block in blocks if 'backend="gpu"' not in block]
    script = tmp_path / "script.py"
    script.write_text("\n".join(blocks))
    quiet = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_TOKEN": secrets.token_hex(32), "HF_HOME": str(tmp_path)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    command = [sys.executable, script.name]
    process = subprocess.Popen(command, cwd=tmp_path, env=os.environ | quiet, start_new_session=True, **pipes)
    try:
        output, _ = process.communicate(timeout=90)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        pytest.fail(f"the script hangs:\n{process.communicate()[0]}")
    assert process.returncode == 0, output


@pytest.mark.parametrize("dtype", [FLOAT16, FLOAT32, FLOAT64], ids=str)
@pytest.mark.parametrize("chunks", [None, {"a": 3}], ids=["memory", "dask"])
def test_xarray(chunks, dtype):
    xr = pytest.importorskip("xarray")
    pytest.importorskip("dask")
    x = xr.DataArray(samples(dtype, (10, 7)), dims=("a", "b"), coords={"a": np.arange(10)}, name="x")
    lazy = x if chunks is None else x.chunk(chunks)
    kwargs = {"preset": "pytorch", "threads": 1}
    y = xr.apply_ufunc(hs.hard_sigmoid, lazy, kwargs=kwargs, dask="parallelized", output_dtypes=[dtype])
    assert y.dims == x.dims and y.dtype == dtype and y.coords.equals(x.coords)
    assert (y.chunks is None) == (chunks is None)
    assert_same_bits(y.compute(scheduler="threads").values, hs.hard_sigmoid(x.values, preset="pytorch"))


@pytest.mark.parametrize("processes", [None, 2])
def test_datasets(processes, tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    x = samples(FLOAT32, (500, 16))
    data = datasets.Dataset.from_dict({"x": x}).with_format("numpy")
    # The processes are forked from this one.
    hs.hard_sigmoid(np.zeros(1 << 22, np.float32), preset="onnx")

    def activate(batch):
        assert batch["x"].dtype == np.float32
        return {"y": hs.hard_sigmoid(batch["x"], preset="onnx", threads=1)}

    y = data.map(activate, batched=True, batch_size=100, num_proc=processes)["y"][:]
    assert_same_bits(y, hs.hard_sigmoid(x, preset="onnx"))
