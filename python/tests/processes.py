"""Running parts of a test in processes of their own."""

import contextlib
import functools
import multiprocessing
import os
import signal
import sys
import time
import traceback

import hard_sigmoid as hs
import numpy as np
import pytest

marks = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(sys.platform == "win32", reason="fork, signals and process groups"),
    # What Python 3.12 says of every fork in a process with threads.
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc/self/task")

# 16 MiB, which several threads share.
LARGE = 1 << 22
onnx = functools.partial(hs.hard_sigmoid, preset="onnx")


def same(actual, expected):
    return np.array_equal(actual.view(np.uint32), expected.view(np.uint32))


def end(process):
    """Kill a process that this one has started, and its children."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.join()


def grouped(work, *args):
    os.setpgid(0, 0)
    work(*args)


def alone(work, *args):
    """Run a function of this file in a new process that nothing has happened in, and check that it succeeds."""
    process = multiprocessing.get_context("spawn").Process(target=grouped, args=(work, *args))
    process.start()
    try:
        process.join(60)
        assert process.exitcode == 0, f"{work.__name__} hangs or fails"
    finally:
        end(process)


def forked(work, timeout=30):
    """Run a function in a forked child and check that it succeeds."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    limit = time.monotonic() + timeout
    while not (ended := os.waitpid(pid, os.WNOHANG))[0] and time.monotonic() < limit:
        time.sleep(0.005)
    if not ended[0]:
        os.kill(pid, signal.SIGKILL)
        ended = os.waitpid(pid, 0)
    assert ended[1] == 0, "the forked child hangs or fails"


def require_adapter():
    if any(adapter.usable for adapter in hs.adapters()):
        return
    if os.environ.get("HARD_SIGMOID_REQUIRE"):
        pytest.fail("HARD_SIGMOID_REQUIRE is set, but there is no adapter that can be used")
    pytest.skip("no GPU adapter")


def tasks():
    return set(os.listdir("/proc/self/task"))
