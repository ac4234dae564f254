"""``watch`` and ``listen`` in several threads at once, and models that are copied or saved within their blocks."""

from __future__ import annotations

import copy
import io
import pickle
import subprocess
import sys
import threading
from functools import partial

import pytest

from backtalk import listen, watch

torch = pytest.importorskip("torch")
nn = torch.nn
cross_entropy = nn.functional.cross_entropy


def network(seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3))


def batch(seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(8, 4, generator=generator), torch.randint(0, 3, (8,), generator=generator)


def in_threads(*tasks):
    """What each gives, all run at once; they begin together."""
    results, start = {}, threading.Barrier(len(tasks))

    def run(place, task):
        start.wait()
        results[place] = task()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(tasks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [results[place] for place in range(len(tasks))]


def train(model, rate, steps, *, watched=True):
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    block = watch(model, optimizer) if watched else None
    doctor = None if block is None else block.__enter__()
    for step in range(steps):
        X, y = batch(step)
        optimizer.zero_grad()
        cross_entropy(model(X), y).backward()
        optimizer.step()
    if block is not None:
        block.__exit__(None, None, None)
    return doctor, [p.detach() for p in model.parameters()]


def test_loops_in_threads_are_watched_each_by_its_own_doctor():
    plain = torch.autograd.backward
    steps = (40, 90, 60, 120)
    rates = (0.1, 0.0, 0.1, 0.0)
    # PyTorch draws initial weights from one generator for all threads, so that models are made before
    alone = [train(network(), rate, count, watched=False)[1] for rate, count in zip(rates, steps, strict=True)]
    found = in_threads(*(partial(train, network(), rate, count) for rate, count in zip(rates, steps, strict=True)))
    for (doctor, parameters), rate, count, same in zip(found, rates, steps, alone, strict=True):
        assert doctor.steps == count
        kinds = [each.kind for each in doctor.findings]
        assert ("weights_do_not_change" in kinds) == (rate == 0.0)
        assert "no_step" not in kinds
        assert all(map(torch.equal, parameters, same))
    assert torch.autograd.backward is plain
    assert not torch.nn.modules.module._has_any_global_hook()
    of_all = sys.modules["torch.optim.optimizer"]
    assert not of_all._global_optimizer_pre_hooks
    assert not of_all._global_optimizer_post_hooks


def hear(model, seed, times):
    norms = []
    for k in range(times):
        X, y = batch(seed + k)
        with listen(model) as heard:
            cross_entropy(model(X), y).backward()
        norms.append(heard.norms().whole)
        assert list(heard.h) == ["0", "1", "2", "model"]
    return norms


def test_models_in_threads_are_heard_each_by_its_own_listener():
    plain = torch.autograd.backward
    alone = [hear(network(seed), seed, 20) for seed in range(4)]
    found = in_threads(*(partial(hear, network(seed), seed, 20) for seed in range(4)))
    for one, same in zip(found, alone, strict=True):
        assert all(map(torch.equal, one, same))
    assert torch.autograd.backward is plain
    assert not torch.nn.modules.module._has_any_global_hook()


def test_another_thread_that_trains_the_same_model_is_not_heard():
    model = network()

    def step():
        X, y = batch(1)
        cross_entropy(model(X), y).backward()

    with watch(model) as doctor, listen(model) as heard:
        in_threads(step)
        step()
        doctor.step()
    assert doctor.steps == 1
    assert len(heard.batches) == 1


def test_a_backward_that_another_library_replaced_meanwhile_is_left_and_hears_nothing_twice():
    plain, seen = torch.autograd.backward, []
    model = network()
    try:
        with listen(model):
            ours = torch.autograd.backward

            def backward(*inputs, **named):
                seen.append(1)
                ours(*inputs, **named)

            torch.autograd.backward = backward
        assert torch.autograd.backward is backward
        with listen(model) as heard:
            cross_entropy(model(batch(0)[0]), batch(0)[1]).backward()
        assert torch.autograd.backward is backward
        assert (len(seen), len(heard._hooks.criteria)) == (1, 1)
    finally:
        torch.autograd.backward = plain


@pytest.mark.skipif(not hasattr(torch.compiler, "set_stance"), reason="PyTorch is older than 2.6")
def test_blocks_that_end_in_any_order_let_compiled_code_run_again():
    from torch._dynamo import eval_frame

    for order in ((0, 1, 2), (1, 0, 2), (2, 1, 0)):
        blocks = [listen(network()) for _ in range(3)]
        for block in blocks:
            block.__enter__()
        assert eval_frame._stance.stance == "force_eager"
        for k in order:
            blocks[k].__exit__(None, None, None)
        assert eval_frame._stance.stance == "default"


COPIES = {
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "deepcopy": copy.deepcopy,
    "torch.save": lambda model: torch.load(_saved(model), weights_only=False),
}


def _saved(model):
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    return file


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("block", [watch, listen])
def test_a_model_may_be_copied_and_saved_within_a_block(block, how):
    import torch._dynamo  # so that hooks are put on the modules

    model, (X, y) = network(), batch(0)
    with block(model) as told:
        twin = COPIES[how](model)
        cross_entropy(twin(X), y).backward()
        assert torch.equal(twin(X), model(X))
    seen = told.steps if block is watch else len(told.batches)
    assert seen == 0
    calls = []
    twin[0].register_forward_hook(lambda *inputs: calls.append(len(inputs)))
    twin(X)
    assert calls == [3]
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in model.modules())


def test_a_model_that_was_saved_within_a_block_is_loaded_without_backtalk(tmp_path):
    import torch._dynamo

    model, file = network(), tmp_path / "model.pt"
    with watch(model), listen(model):
        torch.save(model, file)
    code = (
        "import sys, torch\n"
        f"model = torch.load({str(file)!r}, weights_only=False)\n"
        "seen = []\n"
        "for _ in range(20): model[0].register_forward_hook(lambda *inputs: seen.append(len(inputs)))\n"
        "print(model(torch.ones(2, 4)).shape, set(seen), 'backtalk' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[0] == "torch.Size([2, 3]) {3} False"
