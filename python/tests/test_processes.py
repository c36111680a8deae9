"""Threads, forked and spawned processes, the GIL, and Ctrl-C."""

import contextlib
import functools
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

import hard_sigmoid as hs
import numpy as np
import pytest
from oracle import FLOAT32, defined, samples

pytestmark = [
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
    for threads in (None, 1, 2):
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


def fork_during_the_first_call(delay):
    x = np.zeros(LARGE, np.float32)
    thread = threading.Thread(target=lambda: onnx(x))
    thread.start()
    limit = time.perf_counter() + delay
    while time.perf_counter() < limit:
        pass
    forked(lambda: check(x, np.full(LARGE, 0.5, np.float32)), timeout=10)
    thread.join()


@pytest.mark.parametrize("delay", [0, 5e-5, 1e-4, 2e-4, 3e-4, 1e-3])
def test_fork_while_things_are_initialized(delay):
    alone(fork_during_the_first_call, delay)


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
        try:
            check_gpu(x, expected)
        except RuntimeError as error:
            assert "fork" in str(error)

    forked(child)


@pytest.mark.parametrize("work", [fork_with_gpu, fork_before_gpu, fork_after_adapters], ids=lambda work: work.__name__)
def test_fork_and_gpu(work):
    require_adapter()
    alone(work)


def tasks():
    return set(os.listdir("/proc/self/task"))


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

    def work():
        assert busy_threads(lambda: [onnx(x, out=x, threads=threads) for _ in range(15)]) == expected

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
