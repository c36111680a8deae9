"""Ctrl-C during a call."""

import multiprocessing
import os
import signal
import threading
import time

import hard_sigmoid as hs
import numpy as np
import pytest
from processes import LARGE, end, grouped, marks, onnx, require_adapter

pytestmark = marks


def interrupt(started, caught, work, *args):
    # Where the tests run in the background, Ctrl-C is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    work(lambda: started.send(time.monotonic()), lambda: caught.send(time.monotonic()), *args)


def once_begun(started, out):
    """Call `started` when the first result is there. A fast machine needs less than half a second for all."""

    def wait():
        while not out[0]:
            time.sleep(0.001)
        started()

    threading.Thread(target=wait, daemon=True).start()


def soon(started):
    threading.Timer(0.2, started).start()


def interrupted_apply(started, caught, path, dtype, backend, threads, step):
    # Reading a file that is not in memory takes long, and this one takes no space.
    x = np.memmap(path, dtype, "r")[::step]
    out = np.zeros(x.shape, dtype)
    once_begun(started, out)
    with pytest.raises(KeyboardInterrupt):
        onnx(x, out=out, threads=threads, backend=backend)
    caught()
    done = np.count_nonzero(out)
    assert 0 < done < out.size
    assert np.all(out[:done] == 0.5)
    # And the next call is right.
    assert np.all(onnx(x[:LARGE], backend=backend) == 0.5)


def interrupted_backwards(started, caught, path):
    x = np.memmap(path, np.float64, "r")
    memory = np.zeros(x.size)
    out = memory[::-1]
    once_begun(started, out)
    with pytest.raises(KeyboardInterrupt):
        onnx(x, out=out)
    caught()
    # Each element is finished or as it was.
    done = np.count_nonzero(memory == 0.5)
    assert 0 < done < out.size and done == np.count_nonzero(memory)


def interrupted_saturation(started, caught):
    x = np.broadcast_to(np.float32(1), (10**11,))
    soon(started)
    with pytest.raises(KeyboardInterrupt):
        hs.saturation(x, preset="onnx")
    caught()


def check_ctrl_c(work, *args):
    context = multiprocessing.get_context("spawn")
    (started, start), (caught, catch) = context.Pipe(duplex=False), context.Pipe(duplex=False)
    process = context.Process(target=grouped, args=(interrupt, start, catch, work, *args))
    process.start()
    try:
        assert started.poll(30)
        sent = time.monotonic()
        os.kill(process.pid, signal.SIGINT)
        assert caught.poll(1), "no KeyboardInterrupt within a second"
        print(f"KeyboardInterrupt after {caught.recv() - sent:.3f} s")
        process.join(30)
        assert process.exitcode == 0
    finally:
        end(process)


def interrupted_validate(started, caught):
    x = np.zeros(1 << 28, np.float32)
    soon(started)
    with pytest.raises(KeyboardInterrupt):
        hs.validate(x, preset="onnx")
    caught()


@pytest.fixture
def zeros(tmp_path):
    path = tmp_path / "zeros"
    with open(path, "wb") as file:
        file.truncate(3 << 30)
    yield path
    path.unlink()


@pytest.mark.parametrize(
    "dtype, backend, threads, step",
    [
        (np.float64, "cpu", None, 1),
        (np.float64, "cpu", 1, 1),
        (np.float64, "cpu", None, 2),
        (np.float32, "auto", None, 1),
        (np.float16, "gpu", None, 1),
    ],
)
def test_ctrl_c_leaves_a_finished_prefix(zeros, dtype, backend, threads, step):
    if backend == "gpu":
        require_adapter()
    check_ctrl_c(interrupted_apply, zeros, dtype, backend, threads, step)


def test_ctrl_c_with_another_order_of_memory(zeros):
    check_ctrl_c(interrupted_backwards, zeros)


def test_ctrl_c_while_validating():
    check_ctrl_c(interrupted_validate)


def test_ctrl_c_while_counting():
    check_ctrl_c(interrupted_saturation)
