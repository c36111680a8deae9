"""Threads, and the GIL."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import hard_sigmoid as hs
import numpy as np
import pytest
from oracle import FLOAT32, defined, samples
from processes import LARGE, alone, forked, linux, marks, onnx, same, tasks

pytestmark = marks


@pytest.mark.parametrize("size", [1000, LARGE])
def test_threads_in_parallel(size):
    functions = {"onnx": (0.2, 0.5), "pytorch": (1 / 6, 0.5)}
    arrays = [samples(FLOAT32, (size,), seed) for seed in range(4)]
    expected = {(i, preset): defined(arrays[i], *functions[preset]) for i in range(4) for preset in functions}

    def work(job):
        i, preset, threads = job
        assert same(hs.hard_sigmoid(arrays[i], preset=preset, threads=threads), expected[i, preset])

    jobs = [(i, preset, threads) for i in range(4) for preset in functions for threads in (None, 1, 2, 3)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, jobs))


def share_pools():
    x = np.zeros(1 << 26, np.float16)
    with ThreadPoolExecutor(2) as pool:
        # From this size on, "auto" looks for a GPU, and opens it for all threads.
        results = pool.map(lambda _: np.all(onnx(x, threads=2) == 0.5), range(6))
        assert all(results)


def test_large_calls_in_parallel_do_not_wait_for_each_other_forever():
    alone(share_pools)


def compute_in_two_threads():
    arrays = [np.zeros(1 << 24) for _ in range(2)]
    # Threads that have ended are not counted.
    with ThreadPoolExecutor(2) as pool:

        def compute(x):
            for _ in range(15):
                onnx(x, out=x, threads=1)

        assert busy_threads(lambda: list(pool.map(compute, arrays))) == 2


@linux
def test_one_thread_for_each_caller():
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("there is one core")
    alone(compute_in_two_threads)


def long_calls():
    x = np.zeros(1 << 26, np.float64)
    y = np.empty_like(x)
    return {
        "apply": lambda: onnx(x, out=y, threads=1),
        "in place": lambda: onnx(y, out=y, threads=1),
        "backward": lambda: hs.backward(x, y, out=y, preset="onnx", threads=1),
        "saturation": lambda: hs.saturation(np.zeros(1 << 28), preset="onnx", threads=1),
        "validate": lambda: hs.validate(preset="onnx"),
    }


def test_other_threads_run_during_a_call():
    ticks, stop = [], threading.Event()

    def tick():
        while not stop.wait(0.001):
            ticks.append(0)

    def count(work):
        before = len(ticks)
        work()
        return len(ticks) - before

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        for name, call in long_calls().items():
            start = time.perf_counter()
            during = count(call)
            seconds = time.perf_counter() - start
            idle = count(lambda: time.sleep(seconds))
            print(f"{name}: {during} ticks in {seconds:.3f} s, {idle} in as many seconds of sleep")
            assert during >= max(idle / 10, 5)
    finally:
        stop.set()
        thread.join()


def busy_threads(work):
    """Return how many threads of this process use the processor during a call."""

    def times():
        used = {}
        for task in tasks():
            with open(f"/proc/self/task/{task}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
            used[task] = int(fields[11]) + int(fields[12])
        return used

    before = times()
    work()
    used = [after - before.get(task, 0) for task, after in times().items()]
    return sum(ticks > sum(used) / 10 for ticks in used)


def count_threads(threads, environment, expected, in_child):
    os.environ.update(environment)
    x = np.zeros(1 << 24)

    def calls():
        for _ in range(60):
            onnx(x, out=x, threads=threads)

    def work():
        # Another number before does not matter.
        onnx(x, out=x, threads=3 - expected)
        # Other work on this machine may keep a thread waiting, but cannot make one busy.
        attempts = 1 if expected == 1 else 20
        assert any(busy_threads(calls) == expected for _ in range(attempts))

    forked(work) if in_child else work()


@linux
@pytest.mark.parametrize("in_child", [False, True])
@pytest.mark.parametrize(
    "threads, environment, expected",
    [(1, {}, 1), (2, {"RAYON_NUM_THREADS": "1"}, 2), (None, {"RAYON_NUM_THREADS": "1"}, 1)],
)
def test_number_of_threads(threads, environment, expected, in_child):
    if len(os.sched_getaffinity(0)) < expected:
        pytest.skip("there is one core")
    alone(count_threads, threads, environment, expected, in_child)
