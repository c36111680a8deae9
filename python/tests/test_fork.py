"""Forked and spawned processes."""

import multiprocessing
import random
import threading
import time

import hard_sigmoid as hs
import numpy as np
import pytest
from oracle import FLOAT32, defined, samples
from processes import LARGE, alone, forked, linux, marks, onnx, require_adapter, same, tasks

pytestmark = marks


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_pool_of_processes(method):
    arrays = [samples(FLOAT32, (LARGE,), seed) for seed in range(2)]
    expected = [defined(x, 0.2, 0.5) for x in arrays]
    # The threads of this process are started.
    assert same(onnx(arrays[0]), expected[0])
    for f in (onnx, hs.HardSigmoid.ONNX):
        with multiprocessing.get_context(method).Pool(2) as pool:
            results = pool.map_async(f, arrays).get(timeout=60)
        assert all(map(same, results, expected))


def check(x, expected):
    # The first number that a child passes is the last one of its parent.
    for threads in (None, 2, 1, 2):
        assert same(onnx(x, threads=threads), expected)


def fork_repeatedly():
    x = samples(FLOAT32, (LARGE,))
    expected = defined(x, 0.2, 0.5)
    for _ in range(3):
        check(x, expected)
        forked(lambda: check(x, expected))
    # A child has threads of its own by then, and the grandchild does not inherit those either.
    forked(lambda: (check(x, expected), forked(lambda: check(x, expected))))
    check(x, expected)


def test_fork_after_threads_were_started():
    alone(fork_repeatedly)


def fork_beside_a_thread(threads):
    x = samples(FLOAT32, (LARGE,))
    expected = defined(x, 0.2, 0.5)
    stop, calls = threading.Event(), []

    def compute():
        out = np.empty_like(x)
        while not stop.is_set():
            onnx(x, out=out, threads=threads)
            calls.append(out[-1])

    thread = threading.Thread(target=compute)
    thread.start()
    try:
        for _ in range(8):
            before = len(calls)
            forked(lambda: check(x, expected))
            while len(calls) == before and thread.is_alive():
                time.sleep(0.001)
    finally:
        stop.set()
        thread.join()
    assert len(calls) >= 8


@pytest.mark.parametrize("threads", [None, 1])
def test_fork_while_another_thread_computes(threads):
    alone(fork_beside_a_thread, threads)


def fork_during_the_first_call(delay, step):
    x = np.zeros(LARGE * step, np.float32)[::step]
    thread = threading.Thread(target=lambda: onnx(x))
    thread.start()
    limit = time.perf_counter() + delay
    while time.perf_counter() < limit:
        pass
    forked(lambda: check(x, np.full(LARGE, 0.5, np.float32)), timeout=10)
    thread.join()


@pytest.mark.parametrize("delay, step", [(0, 1), (5e-5, 1), (1e-4, 1), (3e-4, 1), (1e-3, 1), (0, 2), (1e-4, 2)])
def test_fork_while_things_are_initialized(delay, step):
    alone(fork_during_the_first_call, delay, step)


def fork_at_random_moments():
    x = np.zeros(1 << 19, np.float32)
    expected = np.full_like(x, 0.5)
    generator = random.Random(0)

    def start_threads_and_fork():
        thread = threading.Thread(target=lambda: check(x, expected))
        thread.start()
        limit = time.perf_counter() + generator.choice([0, 1e-5, 1e-4, 4e-4, 1e-3]) * generator.random()
        while time.perf_counter() < limit:
            pass
        forked(lambda: check(x, expected))
        thread.join()

    # Each child starts threads of its own.
    for _ in range(400):
        generator.random()
        forked(start_threads_and_fork)


def test_fork_while_threads_start():
    alone(fork_at_random_moments)


def check_gpu(x, expected):
    assert same(onnx(x, backend="gpu"), expected)


def fork_with_gpu():
    x = samples(FLOAT32)
    expected = onnx(x)
    check_gpu(x, expected)

    def child():
        with pytest.raises(RuntimeError, match="fork"):
            onnx(x, backend="gpu")
        with pytest.raises(RuntimeError, match="fork"):
            hs.validate(preset="onnx", dtype="float16", backend="gpu")
        assert same(onnx(x), expected)
        # "auto" looks for a GPU from this size on.
        assert np.all(onnx(np.zeros(1 << 26, np.float32)) == 0.5)

    forked(child)
    check_gpu(x, expected)


def fork_before_gpu():
    x = samples(FLOAT32)
    expected = onnx(x)
    onnx(np.zeros(LARGE))
    forked(lambda: check_gpu(x, expected))
    check_gpu(x, expected)


def fork_after_adapters():
    x = samples(FLOAT32)
    expected = onnx(x)
    assert hs.adapters()

    def child():
        assert same(onnx(x), expected)
        # Listing adapters has loaded the drivers.
        for call in (hs.adapters, lambda: onnx(x, backend="gpu")):
            with pytest.raises(RuntimeError, match="fork"):
                call()

    forked(child)


@pytest.mark.parametrize("work", [fork_with_gpu, fork_before_gpu, fork_after_adapters], ids=lambda work: work.__name__)
def test_fork_and_gpu(work):
    require_adapter()
    alone(work)


def open_gpu():
    x = samples(FLOAT32)
    expected = onnx(x)
    check_gpu(x, expected)
    threads = tasks()
    for _ in range(20):
        check_gpu(x, expected)
    # Those of the driver: a GPU that is opened again has others.
    assert tasks() == threads


@linux
def test_a_process_opens_its_gpu_once():
    require_adapter()
    alone(open_gpu)
