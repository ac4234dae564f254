"""Threads and processes beside the kernels: each story in a Python of its own, which must come to its end."""

from __future__ import annotations

import importlib.util
import os

import pytest

from engines import needs_fork, needs_kernels, run_python

pytestmark = needs_kernels
BEGIN = """if True:
    import os, sys, threading, time
    import numpy as np
    from backtalk import Network, fit, gradients
    from backtalk.engines.native import kernels
    from engines import by_formula, drawn, largest_error, same_bits

    CASE = drawn([100, 200, 7], "tanh", "cross_entropy", 200, False, "float32")  # work enough for 12 threads

    def threads_of_this_process():
        return len(os.listdir("/proc/self/task"))

    def work(seed=0):
        network, X, y, _ = CASE
        grads = gradients(network, X, y)
        trained = fit(network, X, y, epochs=2, batch_size=100, rng=seed).network
        return float(grads.loss), [np.asarray(W) for W in [*grads.W.values(), *trained.W.values()]]

    def same(one, other):
        return one[0] == other[0] and all(map(np.array_equal, one[1], other[1]))

"""
linux_only = pytest.mark.skipif(not importlib.util.find_spec("resource"), reason="counts threads in /proc")


def story(code: str, **environment: str) -> str:
    return run_python(BEGIN + code, **environment).strip()


@linux_only
@pytest.mark.parametrize("threads", [1, 3])
def test_omp_num_threads_is_respected(threads):
    code = """
    before = threads_of_this_process()
    work()
    print(kernels.threads(), threads_of_this_process() - before)
    """
    assert story(code, OMP_NUM_THREADS=str(threads)) == f"{threads} {threads - 1}"


def test_omp_num_threads_does_not_change_a_bit():
    code = """
    import hashlib
    print(hashlib.sha256(b"".join(W.tobytes() for W in work()[1])).hexdigest())
    """
    assert len({story(code, OMP_NUM_THREADS=threads) for threads in ("", "1", "3", "8", "nonsense")}) == 1


@linux_only
def test_threadpoolctl_sees_and_limits_the_threads_and_gives_them_back():
    code = """
    import threadpoolctl
    ours = [each for each in threadpoolctl.threadpool_info() if each["internal_api"] == "backtalk"]
    print(len(ours), ours[0]["num_threads"], ours[0]["user_api"])
    before = threads_of_this_process()
    with threadpoolctl.threadpool_limits(1):
        limited = work()
        print(kernels.threads(), threads_of_this_process() - before)
    with threadpoolctl.threadpool_limits(2, user_api="openmp"):
        print(kernels.threads())
    print(kernels.threads(), same(work(), limited), threads_of_this_process() - before)
    """
    assert story(code, OMP_NUM_THREADS="3").split("\n") == ["1 3 openmp", "1 0", "2", "3 True 2"]


@linux_only
def test_threads_that_the_system_refuses_to_start_are_done_without_and_named():
    code = """
    import resource, threadpoolctl
    with threadpoolctl.threadpool_limits(1, user_api="openmp"):
        expected = work()
    if os.getuid() == 0:
        os.setuid(54321)  # whom the limit binds
    most = len(os.listdir("/proc/self/task")) + 2
    resource.setrlimit(resource.RLIMIT_NPROC, (most, most))
    print(same(work(), expected), same(work(), expected))
    print(kernels.ready_threads() <= 3, kernels.threads())
    print(kernels.describe().split(", on ")[1].split(" (")[0])
    """
    same_bits, counts, words = story(code, OMP_NUM_THREADS="8").split("\n")
    assert same_bits == "True True"
    assert counts == "True 8"
    assert words.endswith("because the system starts no more of the 8 that are allowed")


@needs_fork
def test_the_child_of_a_fork_computes_the_same_on_threads_of_its_own():
    code = """
    expected = work()
    for _ in range(3):
        child = os.fork()
        if child == 0:
            os._exit(0 if same(work(), expected) else 7)
        print(os.waitpid(child, 0)[1])
    print(same(work(), expected))
    """
    assert story(code, OMP_NUM_THREADS="2").split("\n") == ["0", "0", "0", "True"]


@needs_fork
@pytest.mark.skipif(
    "libasan" in os.environ.get("LD_PRELOAD", ""),
    reason="a thread that allocates during the fork leaves the sanitizer's own lock taken in the child (GCC 12)",
)
def test_a_fork_in_the_middle_of_another_threads_work_leaves_the_child_free():
    code = """
    network, X, y, _ = CASE
    expected, ended = gradients(network, X, y), threading.Event()

    def keep_busy():
        while not ended.is_set():
            gradients(network, X, y)

    thread = threading.Thread(target=keep_busy)
    thread.start()
    statuses = set()
    for _ in range(30):
        child = os.fork()
        if child == 0:
            import signal
            signal.alarm(20)  # ends a child that waits for a thread that it does not have
            os._exit(0 if same_bits(gradients(network, X, y), expected) else 7)
        statuses.add(os.waitpid(child, 0)[1])
    ended.set()
    thread.join()
    print(statuses)
    """
    assert story(code, OMP_NUM_THREADS="2") == "{0}"


@needs_fork
def test_multiprocessing_by_fork_computes_the_same():
    code = """
    import multiprocessing
    expected = [work(seed) for seed in range(4)]
    with multiprocessing.get_context("fork").Pool(2) as pool:
        found = pool.map(work, range(4))
    print(all(map(same, found, expected)))
    """
    assert story(code, OMP_NUM_THREADS="2") == "True"


def test_joblib_workers_compute_the_same_with_a_share_of_the_threads():
    code = """
    from joblib import Parallel, delayed

    def task(seed):
        from backtalk.engines.native.kernels import threads
        return threads(), work(seed)

    expected = [work(seed) for seed in range(4)]
    found = Parallel(n_jobs=2)(delayed(task)(seed) for seed in range(4))
    print(all(same(one, other) for (_, one), other in zip(found, expected)))
    print(max(threads for threads, _ in found) <= max(1, os.cpu_count() // 2))
    """
    assert story(code, OMP_NUM_THREADS="").split("\n") == ["True", "True"]


@pytest.mark.parametrize("order", ["others first", "backtalk first"])
def test_backtalk_stands_beside_scikit_learn_and_torch_in_one_process(order):
    others = """
    from sklearn.neural_network import MLPClassifier
    from sklearn.cluster import KMeans
    try:
        import torch
    except ImportError:
        torch = None

    def peers():
        X, y = CASE[1], CASE[2]
        MLPClassifier([20], max_iter=1, early_stopping=True).fit(X, y)
        KMeans(2, n_init=1).fit(X)
        if torch is not None:
            layer = torch.nn.Linear(100, 100)
            layer(torch.tensor(X)).sum().backward()
    """
    code = """
    import warnings
    warnings.simplefilter("ignore")
    expected = work()
    peers()
    print(same(work(), expected))
    done = []
    threads = [threading.Thread(target=lambda: done.append(same(work(), expected))) for _ in range(2)]
    [thread.start() for thread in threads]
    peers()
    [thread.join() for thread in threads]
    print(done)
    """
    whole = "if True:\n" + others + BEGIN.removeprefix("if True:") + code if order == "others first" else None
    found = run_python(whole) if whole else story(others + code)
    assert found.strip().split("\n") == ["True", "[True, True]"]


def test_python_threads_may_use_the_same_network_at_once():
    code = """
    network, X, y, _ = CASE
    sets = [(X[:rows], y[:rows]) for rows in (200, 150, 31, 1)]
    expected = [gradients(network, *each) for each in sets]
    trained = fit(network, X, y, epochs=3, rng=0).network
    wrong = []

    def differentiate(turn):
        for i in range(40):
            k = (i + turn) % len(sets)
            if not same_bits(gradients(network, *sets[k]), expected[k]):
                wrong.append(k)

    def train():
        for _ in range(5):
            if not same_bits(fit(network, X, y, epochs=3, rng=0).network, trained):
                wrong.append("fit")

    threads = [threading.Thread(target=differentiate, args=[turn]) for turn in range(2)]
    threads += [threading.Thread(target=train) for _ in range(2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    print(wrong)
    """
    assert story(code, OMP_NUM_THREADS="2") == "[]"


def test_python_goes_on_while_the_kernels_train():
    code = """
    from backtalk.engines.native import steps as native
    native.SECONDS = 1000  # the whole epoch is one call
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(100_000, 8)), rng.integers(2, size=100_000)
    ticks, ended = [], threading.Event()

    def tick():
        while not ended.is_set():
            ticks.append(len(ticks))
            time.sleep(0.001)

    take = native.NativeSteps.take

    def counted(*arguments, **more):
        before = len(ticks)
        taken = take(*arguments, **more)
        print(len(ticks) - before > 5, taken.steps)
        return taken

    native.NativeSteps.take = counted
    thread = threading.Thread(target=tick)
    thread.start()
    fit(Network.create([8, 64, 2], rng=0), X, y, epochs=1, batch_size=1, rng=0)
    ended.set()
    thread.join()
    """
    assert story(code) == "True 100000"


@pytest.mark.skipif(not importlib.util.find_spec("resource"), reason="signals of POSIX")
@pytest.mark.parametrize("engine", ["native", "formula"])
@pytest.mark.parametrize("callback", ["None", "lambda epoch: epoch.network"])
def test_ctrl_c_in_the_middle_of_an_epoch_leaves_a_usable_network(engine, callback):
    code = f"""
    import signal
    from backtalk import TrainingInterrupted
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever began the tests may ignore Ctrl-C
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(1_000_000, 4)), rng.integers(2, size=1_000_000)
    start = Network.create([4, 128, 128, 2], rng=0)
    stepped = threading.Event()

    def interrupt():
        stepped.wait()
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    try:
        # an epoch takes far longer than the test may: it would not end in time
        fit(start, X, y, epochs=1000, batch_size=1, rng=0, engine={engine!r}, callbacks={callback},
            progress=lambda progress: stepped.set())
    except TrainingInterrupted as stopped:
        training = stopped.training
        print(len(training.losses), np.isfinite(gradients(training.network, X[:50], y[:50]).loss))
        print(not same_bits(training.network, start))
    """
    assert story(code).split("\n") == ["0 True", "True"]


def test_ctrl_c_in_the_first_call_keeps_the_steps_that_were_made():
    code = """
    import signal
    from backtalk import TrainingInterrupted
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever began the tests may ignore Ctrl-C
    from backtalk.engines.native import steps as native
    native.SECONDS, taking, take = 1.0, threading.Event(), native.NativeSteps.take

    def told(*arguments, **more):
        taking.set()
        return take(*arguments, **more)

    native.NativeSteps.take = told
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(1_000_000, 4)), rng.integers(2, size=1_000_000)
    start = Network.create([4, 128, 128, 2], rng=0)

    def interrupt():
        taking.wait()
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    try:
        fit(start, X, y, batch_size=1, rng=0)
    except TrainingInterrupted as stopped:
        print(not same_bits(stopped.training.network, start))
    """
    assert story(code) == "True"
