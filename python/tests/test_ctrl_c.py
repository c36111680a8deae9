"""Ctrl-C during a call."""

import multiprocessing
import os
import signal
import time

import hard_sigmoid as hs
import numpy as np
import pytest
from processes import LARGE, end, grouped, marks, onnx

pytestmark = marks


def interrupt(started, caught, work, *args):
    # Where the tests run in the background, Ctrl-C is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    work(lambda: started.send(time.monotonic()), lambda: caught.send(time.monotonic()), *args)


def interrupted_apply(started, caught, path, threads, step):
    # Reading a file that is not in memory takes long, and this one takes no space.
    x = np.memmap(path, np.float64, "r")[::step]
    out = np.zeros(x.shape)
    started()
    with pytest.raises(KeyboardInterrupt):
        onnx(x, out=out, threads=threads, backend="cpu")
    caught()
    done = np.count_nonzero(out)
    assert 0 < done < out.size
    assert np.all(out[:done] == 0.5)
    # And the next call is right.
    assert np.all(onnx(x[:LARGE]) == 0.5)


def interrupted_saturation(started, caught):
    x = np.broadcast_to(np.float32(1), (10**11,))
    started()
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
        time.sleep(0.2)
        sent = time.monotonic()
        os.kill(process.pid, signal.SIGINT)
        assert caught.poll(5), "no KeyboardInterrupt within 5 s"
        print(f"KeyboardInterrupt after {caught.recv() - sent:.3f} s")
        process.join(30)
        assert process.exitcode == 0
    finally:
        end(process)


@pytest.mark.parametrize("step", [1, 2], ids=["contiguous", "strided"])
@pytest.mark.parametrize("threads", [None, 1])
def test_ctrl_c_leaves_a_finished_prefix(tmp_path, threads, step):
    path = tmp_path / "zeros"
    with open(path, "wb") as file:
        file.truncate(3 << 30)
    check_ctrl_c(interrupted_apply, path, threads, step)
    path.unlink()


def test_ctrl_c_while_counting():
    check_ctrl_c(interrupted_saturation)
