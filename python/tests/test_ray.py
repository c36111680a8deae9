"""Ray Data: functions and actors over batches, which are read-only views of shared memory."""

import os
import secrets

# Before Ray is imported: no telemetry, 127.0.0.1 only, and no token in a file of the home directory.
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))

import hard_sigmoid as hs
import numpy as np
import pytest
from oracle import FLOAT16, FLOAT32, FLOAT64, assert_same_bits, samples
from processes import require_adapter

ray = pytest.importorskip("ray")
pytest.importorskip("ray.data")
psutil = pytest.importorskip("psutil")

pytestmark = pytest.mark.timeout(120)

ROWS, COLUMNS, BLOCKS = 1000, 256, 8


@pytest.fixture(scope="module", autouse=True)
def cluster():
    memory = {"object_store_memory": 100 << 20}
    # Workers find this file wherever the tests are started.
    os.environ["PYTHONPATH"] = os.path.dirname(__file__)
    ray.init(num_cpus=2, include_dashboard=False, logging_level="warning", log_to_driver=False, **memory)
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield
    ray.shutdown()


def dataset(x):
    return ray.data.from_numpy(np.array_split(x, BLOCKS))


def numbered(dtype):
    """Return samples whose first column is the number of the row, because batches arrive in any order."""
    x = samples(dtype, (ROWS, COLUMNS))
    x[:, 0] = np.arange(ROWS)
    return x


def collected(data):
    """Return the columns of a dataset as arrays, in the order of the rows of its column x."""
    batches = list(data.iter_batches(batch_size=None, batch_format="numpy"))
    columns = {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
    order = np.argsort(columns["x"][:, 0])
    return {name: column[order] for name, column in columns.items()}


@pytest.mark.parametrize("dtype", [FLOAT16, FLOAT32, FLOAT64], ids=str)
def test_function(dtype):
    def activate(batch):
        x = batch["data"]
        y = hs.hard_sigmoid(x, preset="onnx", threads=1)
        return {"x": x, "y": y, "writeable": np.full(len(x), x.flags.writeable)}

    x = numbered(dtype)
    columns = collected(dataset(x).map_batches(activate, batch_format="numpy", zero_copy_batch=True))
    assert_same_bits(columns["x"], x)
    assert_same_bits(columns["y"], hs.hard_sigmoid(x, preset="onnx"))
    assert not columns["writeable"].any()


def test_results_are_not_written_to_a_batch():
    def activate(batch):
        x = batch["data"]
        try:
            hs.hard_sigmoid(x, out=x, preset="onnx")
        except ValueError as error:
            return {"x": x, "error": np.full(len(x), str(error))}

    x = numbered(FLOAT32)
    columns = collected(dataset(x).map_batches(activate, batch_format="numpy", zero_copy_batch=True))
    assert_same_bits(columns["x"], x)
    assert all("read-only" in error for error in columns["error"])


def test_object_in_shared_memory_is_not_written():
    x = samples(FLOAT32, (ROWS, COLUMNS))
    reference = ray.put(x)
    shared = ray.get(reference)
    assert not shared.flags.writeable
    assert_same_bits(hs.hard_sigmoid(shared, preset="pytorch"), hs.hard_sigmoid(x, preset="pytorch"))
    assert_same_bits(ray.get(reference), x)


class Activation:
    """An actor, which makes its function once."""

    def __init__(self, function, backend):
        self.function, self.backend = function, backend
        self.calls = 0
        # Opens the GPU, so that a mistake shows before any batch was computed.
        function(np.zeros(1, np.float32), backend=backend)

    def __call__(self, batch):
        x = batch["data"]
        self.calls += 1
        state = {"pid": np.full(len(x), os.getpid()), "call": np.full(len(x), self.calls)}
        return {"y": self.function(x, backend=self.backend, threads=1), "x": x, **state}


def check_actor(backend):
    x = numbered(FLOAT32)
    data = dataset(x).map_batches(
        Activation,
        fn_constructor_args=[hs.HardSigmoid.PYTORCH, backend],
        batch_format="numpy",
        batch_size=ROWS // BLOCKS,
        compute=ray.data.ActorPoolStrategy(size=1),
    )
    columns = collected(data)
    assert_same_bits(columns["y"], hs.hard_sigmoid(x, preset="pytorch", backend="cpu"))
    # One process and one object have computed all batches.
    assert len(set(columns["pid"])) == 1 and os.getpid() not in columns["pid"]
    assert set(columns["call"]) == set(range(1, BLOCKS + 1))


def test_actor():
    check_actor("cpu")


def test_actor_with_a_gpu():
    require_adapter()
    check_actor("gpu")


def test_everything_listens_on_loopback_only():
    children = psutil.Process().children(recursive=True)
    sockets = [socket for child in children for socket in child.net_connections("inet")]
    hosts = {socket.laddr.ip for socket in sockets if socket.status == psutil.CONN_LISTEN}
    assert hosts and hosts <= {"127.0.0.1", "::ffff:127.0.0.1", "::1"}
