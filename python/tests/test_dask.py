"""Dask: arrays larger than memory, in processes, of which one is killed."""

import os
import shutil
import signal
import time

import hard_sigmoid as hs
import numpy as np
import pytest
from oracle import DTYPES, FLOAT32, assert_same_bits, samples

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
distributed = pytest.importorskip("distributed")
zarr = pytest.importorskip("zarr")
psutil = pytest.importorskip("psutil")

pytestmark = pytest.mark.timeout(120)

MIB = 1 << 20
LIMIT = 384 * MIB
# 8 MiB each.
BLOCK = (2048, 1024)
BLOCKS = 104


@pytest.fixture(scope="module")
def client():
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "memory_limit": LIMIT}
    with (
        distributed.LocalCluster(**options, host="127.0.0.1", dashboard_address="127.0.0.1:0") as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def rows(i):
    return slice(i * BLOCK[0], (i + 1) * BLOCK[0])


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """Return an array on the disk."""
    folder = tmp_path_factory.mktemp("stack")
    shape = (BLOCKS * BLOCK[0], BLOCK[1])
    x = zarr.create_array(folder / "x.zarr", shape=shape, chunks=BLOCK, dtype="float32", compressors=None)
    generator = np.random.default_rng(0)
    for i in range(BLOCKS):
        block = 8 * generator.random(BLOCK, np.float32) - 4
        block[:16] = samples(FLOAT32, (16, BLOCK[1]), seed=i)
        x[rows(i)] = block
    yield x
    shutil.rmtree(folder)


@pytest.fixture
def result(tmp_path):
    yield tmp_path / "y.zarr"
    shutil.rmtree(tmp_path)


def activate(x, path, compute=True):
    y = x.map_blocks(hs.hard_sigmoid, preset="onnx", threads=1)
    return y.to_zarr(path, compute=compute, compressors=None)


def check(path, x, blocks):
    """Compare the blocks in a file with the results of one call in this process."""
    y = zarr.open_array(path)
    expected = hs.hard_sigmoid(x[: blocks * BLOCK[0]], preset="onnx")
    assert y.shape == expected.shape
    for i in range(blocks):
        assert_same_bits(y[rows(i)], expected[rows(i)])


def test_stack_larger_than_the_memory_of_the_workers(client, stack, result):
    workers = client.scheduler_info()["workers"].values()
    assert len(workers) == 2 and stack.nbytes > sum(worker["memory_limit"] for worker in workers)
    activate(da.from_zarr(stack), result)
    check(result, stack, BLOCKS)


def test_worker_killed_half_way(client, stack, result):
    blocks = BLOCKS // 2
    pids = client.run(os.getpid)
    killed = min(pids.values())
    x = da.from_zarr(stack)[: blocks * BLOCK[0]]
    future = client.compute(activate(x, result, compute=False))
    limit = time.monotonic() + 60
    while (done := sum(path.is_file() for path in result.glob("c/*/*"))) < blocks // 2:
        assert time.monotonic() < limit and not future.done()
        time.sleep(0.001)
    os.kill(killed, signal.SIGKILL)
    assert done < blocks * 0.9
    future.result(timeout=60)
    check(result, stack, blocks)
    # The cluster has started another one.
    client.wait_for_workers(2, timeout=30)
    assert killed not in client.run(os.getpid).values()


def test_everything_listens_on_loopback_only(client):
    processes = [psutil.Process(), *(psutil.Process(pid) for pid in client.run(os.getpid).values())]
    sockets = [socket for process in processes for socket in process.net_connections("inet")]
    hosts = {socket.laddr.ip for socket in sockets if socket.status == psutil.CONN_LISTEN}
    assert hosts == {"127.0.0.1"}


def test_one_thread_in_a_worker(client):
    def threads_added():
        x = np.zeros(1 << 22)
        before = len(os.listdir("/proc/self/task"))
        hs.hard_sigmoid(x, preset="onnx", threads=1)
        return len(os.listdir("/proc/self/task")) - before

    if not os.path.exists("/proc/self/task"):
        pytest.skip("counts threads in /proc")
    # One that computes while this one waits.
    assert all(added <= 1 for added in client.run(threads_added).values())


@pytest.mark.parametrize("function", [hs.hard_sigmoid, hs.HardSigmoid.ONNX], ids=["function", "object"])
@pytest.mark.parametrize("dtype", [*DTYPES, np.dtype("int8"), np.dtype("int64"), np.dtype(bool)], ids=str)
@pytest.mark.parametrize(
    "shape, chunks",
    [((), ()), ((0,), (0,)), ((7,), (3,)), ((3, 0), (2, 0)), ((4, 6), ((0, 1, 3), (2, 4)))],
    ids=str,
)
def test_blocks_that_are_empty_or_have_no_dimensions(shape, chunks, dtype, function):
    x = samples(dtype, shape) if dtype in DTYPES else np.ones(shape, dtype)
    options = {"preset": "onnx"} if function is hs.hard_sigmoid else {}
    # Without dtype=, map_blocks calls the function with an empty array to learn the type.
    y = da.from_array(x, chunks=chunks).map_blocks(function, threads=1, **options)
    expected = hs.hard_sigmoid(x, preset="onnx")
    assert y.dtype == expected.dtype and type(y._meta) is np.ndarray
    assert_same_bits(y.compute(scheduler="threads"), expected)


def test_gradients_of_two_arrays():
    x, grad = samples(FLOAT32, (20, 30)), np.random.default_rng(1).random((20, 30), np.float32)
    arrays = [da.from_array(array, chunks=(7, 30)) for array in (x, grad)]
    y = da.map_blocks(hs.backward, *arrays, preset="pytorch", threads=1)
    assert y.dtype == np.float32
    assert_same_bits(y.compute(scheduler="threads"), hs.backward(x, grad, preset="pytorch"))


def test_partitions_of_a_data_frame_keep_their_labels():
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame(samples(FLOAT32, (20, 3)), columns=list("abc"), index=range(20, 0, -1)).sort_index()
    y = pytest.importorskip("dask.dataframe").from_pandas(table, npartitions=3)
    with pytest.raises(TypeError, match="map_partitions"):
        hs.hard_sigmoid(y, preset="onnx")
    y = y.map_partitions(hs.hard_sigmoid, preset="onnx", threads=1).compute(scheduler="threads")
    assert y.index.equals(table.index) and y.columns.equals(table.columns)
    assert_same_bits(y.to_numpy(), hs.hard_sigmoid(table.to_numpy(), preset="onnx"))


def test_blocks_are_not_written():
    x = samples(FLOAT32, (100, 100))
    before = x.copy()
    x.flags.writeable = False
    y = da.from_array(x, chunks=(30, 100)).map_blocks(hs.hard_sigmoid, preset="onnx")
    assert_same_bits(y.compute(scheduler="threads"), hs.hard_sigmoid(before, preset="onnx"))
    assert_same_bits(x, before)


def test_names_are_deterministic(client):
    tokenize = dask.base.tokenize
    x = da.zeros((10, 10), chunks=5)
    with dask.config.set({"tokenize.ensure-deterministic": True}):
        names = [x.map_blocks(hs.hard_sigmoid, preset=preset).name for preset in ("onnx", "onnx", "pytorch")]
        assert names[0] == names[1] != names[2]
        functions = [hs.HardSigmoid("onnx"), hs.HardSigmoid.ONNX, hs.HardSigmoid("pytorch")]
        names = [x.map_blocks(function).name for function in functions]
        assert names[0] == names[1] != names[2]
        for function in (hs.hard_sigmoid, hs.backward, hs.saturation, hs.HardSigmoid.ONNX):
            assert client.submit(tokenize, function).result(timeout=30) == tokenize(function)


@pytest.mark.parametrize("function", [hs.hard_sigmoid, hs.saturation])
def test_dask_arrays_are_refused(function):
    with pytest.raises(TypeError, match="map_blocks"):
        function(da.zeros(10), preset="onnx")
    with pytest.raises(TypeError, match="map_blocks"):
        hs.backward(np.zeros(10), da.zeros(10), preset="onnx")
