"""What watch finds in training loops of PyTorch, where it is silent, and that it changes nothing."""

from __future__ import annotations

import copy

import pytest

from backtalk import InputError, InputTypeError, watch

torch = pytest.importorskip("torch")
nn, F = torch.nn, torch.nn.functional


def classes(rows=96, columns=4, count=3, seed=0):
    """Separable classes."""
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn(rows, columns, generator=generator)
    return X, (X @ torch.randn(columns, count, generator=generator)).argmax(1)


def network(*extra, columns=4, count=3):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(columns, 16), nn.ReLU(), *extra, nn.Linear(16, count))


def batches(X, y, steps, size=32, seed=1):
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        rows = torch.randint(len(X), (size,), generator=generator)
        yield X[rows], y[rows]


def train(model=None, optimizer=None, steps=40, *, tells=True, before_step=None, between=None, **options):
    """A usual loop, in which ``before_step(optimizer)`` and ``between(doctor, step)`` may do something wrong."""
    model = model or network()
    optimizer = optimizer or torch.optim.SGD(model.parameters(), lr=0.1)
    with watch(model, optimizer, **options) as doctor:
        for step, (X, y) in enumerate(batches(*classes(), steps)):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(X), y)
            loss.backward()
            if before_step is None or before_step(optimizer) is not False:
                optimizer.step()
            if tells:
                doctor.step(loss)
            if between is not None:
                between(doctor, step)
    return doctor


def kinds(doctor):
    """Above a note; that a short training is short is no fault of these loops."""
    return [each.kind for each in doctor.findings if each.severity != "note" and each.kind != "training_too_short"]


@pytest.mark.parametrize("tells", [True, False])
def test_a_usual_loop_is_healthy_whether_steps_are_told_or_seen(tells):
    doctor = train(network(nn.Dropout(0.5)), tells=tells)
    assert doctor.steps == 40
    assert not kinds(doctor), str(doctor)


def test_training_is_the_same_to_the_bit_with_and_without_watch():
    def run(watched):
        model = network(nn.BatchNorm1d(16), nn.Dropout(0.3))
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
        doctor = train(model, optimizer, 20) if watched else plain(model, optimizer)
        return doctor, [*model.state_dict().values(), torch.get_rng_state()]

    def plain(model, optimizer):
        for X, y in batches(*classes(), 20):
            optimizer.zero_grad()
            F.cross_entropy(model(X), y).backward()
            optimizer.step()

    before = torch.autograd.backward
    (_, with_watch), (_, without) = run(True), run(False)
    assert all(torch.equal(a, b) for a, b in zip(with_watch, without, strict=True))
    assert torch.autograd.backward is before


WRONG = {
    "no step": ("weights_do_not_change", {"before_step": lambda _: False}),
    "cleared": ("weights_do_not_change", {"before_step": lambda optimizer: optimizer.zero_grad()}),
    "zeroed": ("weights_do_not_change", {"before_step": lambda optimizer: optimizer.zero_grad(set_to_none=False)}),
    "clipped": (
        "gradients_clipped_away",
        {"before_step": lambda optimizer: nn.utils.clip_grad_norm_(optimizer.param_groups[0]["params"], 1e-4) and None},
    ),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("tells", [True, False])
def test_what_the_loop_does_wrong_is_found(name, tells):
    kind, options = WRONG[name]
    assert kinds(train(tells=tells, **options))[0] == kind


@pytest.mark.parametrize(
    ("kind", "make"),
    [
        ("weights_do_not_change", lambda p: torch.optim.SGD(p, lr=0.0)),
        ("ascent", lambda p: torch.optim.SGD(p, lr=0.1, maximize=True)),
        ("ascent", lambda p: torch.optim.Adam(p, lr=0.001, maximize=True)),
        ("weights_do_not_change", lambda p: torch.optim.SGD(p, lr=1e-20)),
    ],
)
def test_an_optimizer_that_does_not_descend_is_found(kind, make):
    model = network()
    assert kinds(train(model, make(model.parameters())))[0] == kind


def test_gradients_that_are_never_cleared_are_found_and_accumulation_is_not():
    def loop(every, cleared):
        model = network()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        with watch(model, optimizer) as doctor:
            for number, (X, y) in enumerate(batches(*classes(), 24), 1):
                loss = F.cross_entropy(model(X), y)
                (loss / every).backward()
                if number % every == 0:
                    optimizer.step()
                    if cleared:
                        cleared(optimizer)
                doctor.step(loss)
        return doctor

    def by_hand(optimizer):
        for p in optimizer.param_groups[0]["params"]:
            p.grad.data.zero_()

    assert "gradients_not_cleared" in kinds(loop(1, None))
    assert "gradients_not_cleared" in kinds(loop(4, None))
    for every, cleared in ((1, by_hand), (2, lambda o: o.zero_grad()), (4, lambda o: o.zero_grad(set_to_none=False))):
        doctor = loop(every, cleared)
        assert not kinds(doctor), str(doctor)
        assert doctor.steps == 24 // every


def test_training_in_evaluation_mode_is_found_if_it_matters():
    assert kinds(train(network(nn.Dropout(0.3)).eval())) == ["eval_mode_while_training"]
    assert kinds(train(network().eval())) == []
    frozen = network(nn.BatchNorm1d(16))
    frozen[2].eval()  # as one freezes batch norm in fine-tuning
    assert kinds(train(frozen)) == []


def test_evaluation_in_training_mode_is_found_if_it_matters():
    X, y = classes(seed=3)

    def loop(model, *, switch):
        def evaluate(doctor, step):
            if step % 10 == 9:
                model.train(not switch)
                with torch.no_grad():
                    doctor.validate(F.cross_entropy(model(X), y))
                model.train()

        return train(model, between=evaluate)

    assert "train_mode_while_evaluating" in kinds(loop(network(nn.Dropout(0.3)), switch=False))
    assert kinds(loop(network(nn.Dropout(0.3)), switch=True)) == []
    assert "train_mode_while_evaluating" not in kinds(loop(network(), switch=False))


def test_a_graph_that_is_kept_over_steps_is_found():
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    total = 0.0
    with watch(model, optimizer) as doctor:
        for X, y in batches(*classes(), 50):
            loss = F.cross_entropy(model(X), y)
            total = total + loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert kinds(doctor) == ["graph_grows"]


def test_a_state_that_is_never_detached_is_found():
    cell, head = nn.RNNCell(4, 8), nn.Linear(8, 3)
    model = nn.ModuleDict({"cell": cell, "head": head})
    optimizer = torch.optim.SGD(head.parameters(), lr=0.1)  # steps of the cell would end in PyTorch's own error
    hidden = torch.zeros(32, 8)
    with watch(model, optimizer) as doctor:
        for X, y in batches(*classes(), 30):
            hidden = cell(X, hidden)
            loss = F.cross_entropy(head(hidden), y)
            optimizer.zero_grad()
            loss.backward(retain_graph=True)
            optimizer.step()
    assert "graph_grows" in kinds(doctor)


def test_two_optimizers_of_a_gan_are_healthy():
    torch.manual_seed(0)
    maker, judge = (
        nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2)),
        network(columns=2, count=1),
    )
    of_maker, of_judge = (torch.optim.Adam(m.parameters(), lr=2e-3, betas=(0.5, 0.999)) for m in (maker, judge))
    real = torch.randn(64, 2) * 0.5 + 2
    with (
        watch(maker, of_maker) as first,
        watch(judge, of_judge) as second,
        watch(nn.ModuleList([maker, judge])) as both,
    ):
        for _ in range(60):
            with torch.no_grad():
                fake = maker(torch.randn(64, 4))
            of_judge.zero_grad()
            F.binary_cross_entropy_with_logits(judge(real), torch.ones(64, 1)).backward()
            F.binary_cross_entropy_with_logits(judge(fake), torch.zeros(64, 1)).backward()
            of_judge.step()
            of_maker.zero_grad()
            F.binary_cross_entropy_with_logits(judge(maker(torch.randn(64, 4))), torch.ones(64, 1)).backward()
            of_maker.step()
    for doctor in (first, second, both):
        assert not kinds(doctor), str(doctor)
    assert (first.steps, second.steps, both.steps) == (60, 60, 120)


def test_an_lstm_whose_state_is_detached_is_healthy():
    torch.manual_seed(0)
    body, head = nn.LSTM(4, 16, batch_first=True), nn.Linear(16, 3)
    model = nn.ModuleList([body, head])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    state = None
    with watch(model, optimizer) as doctor:
        for X, y in batches(*classes(), 60):
            out, state = body(X[:, None].expand(-1, 5, -1), state)
            state = tuple(each.detach() for each in state)
            loss = F.cross_entropy(head(out).flatten(0, 1), y.repeat_interleave(5))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            doctor.step(loss)
    assert not kinds(doctor), str(doctor)


def test_closures_count_one_step_each():
    model, (X, y) = network(), classes()
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=5)

    def closure():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(X), y)
        loss.backward()
        return loss

    with watch(model, optimizer) as doctor:
        for _ in range(12):
            doctor.step(optimizer.step(closure))
    assert doctor.steps == 12
    assert not kinds(doctor), str(doctor)


def test_steps_by_hand_are_seen():
    model = network()
    with watch(model) as doctor:
        for X, y in batches(*classes(), 30):
            model.zero_grad()
            loss = F.cross_entropy(model(X), y)
            loss.backward()
            with torch.no_grad():
                for p in model.parameters():
                    p -= 0.1 * p.grad
            doctor.step(loss)
    assert doctor.steps == 30
    assert not kinds(doctor), str(doctor)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_and_a_scaled_loss_are_healthy(dtype):
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", enabled=dtype is torch.float16, init_scale=2.0**12)
    with watch(model, optimizer) as doctor:
        for X, y in batches(*classes(), 40):
            optimizer.zero_grad()
            with torch.autocast("cpu", dtype):
                loss = F.cross_entropy(model(X), y)
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            scaler.step(optimizer)
            scaler.update()
    assert doctor.steps == 40
    assert not kinds(doctor), str(doctor)
    assert max(doctor.to_dict()["losses"]) < 2


def test_a_compiled_model_is_not_compiled_again_and_again():
    compiled = 0

    def backend(graph, _):
        nonlocal compiled
        compiled += 1
        return graph.forward

    model = network(nn.Dropout(0.2))
    fast = torch.compile(model, backend=backend, fullgraph=True)
    for watched in (model, fast):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        with watch(watched, optimizer) as doctor:
            for X, y in batches(*classes(), 25):
                optimizer.zero_grad()
                F.cross_entropy(fast(X), y).backward()
                optimizer.step()
        assert doctor.steps == 25
        assert not kinds(doctor), str(doctor)
    assert compiled <= 2  # PyTorch counts the hooks of a module, and compiles it anew if there is another one


def test_a_block_that_ends_with_an_exception_leaves_nothing_behind():
    before, model = torch.autograd.backward, network()
    with pytest.raises(RuntimeError, match="does not require grad"), watch(model) as doctor:
        torch.ones(1).backward()
    assert torch.autograd.backward is before
    assert not model._forward_pre_hooks
    assert doctor.steps == 0


def test_a_loop_without_backward_is_said():
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch(model, optimizer) as doctor:
        for X, y in batches(*classes(), 10):
            doctor.step(F.cross_entropy(model(X), y))
    assert kinds(doctor) == ["weights_do_not_change"]
    assert "backward()" in doctor.findings[0].advice


def test_findings_are_told_once_while_the_loop_runs_and_numbers_are_logged():
    told, logged = [], {}
    train(
        network(nn.Dropout(0.3)).eval(), tell=told.append, log=lambda numbers, step: logged.update({step: numbers}),
        between=lambda doctor, step: doctor.validate(1.0) if step == 25 else None,
    )  # fmt: skip
    assert len(told) == 1
    assert told[0].startswith("step 5, warning: the model is trained in evaluation mode")
    assert list(logged) == [1, 2, 3, 5, 10, 20, 30, 40]
    assert logged[30]["learning_rate"] == 0.1
    assert logged[30]["validation_loss"] == 1.0
    assert {"loss", "gradient", "gradient_used", "update", "update/0.weight"} <= set(logged[30])


def test_a_function_that_fails_ends_no_training():
    def fail(*_):
        raise OSError("no space")

    with pytest.warns(UserWarning, match="no space"):
        doctor = train(log=fail)
    assert doctor.steps == 40


def test_a_course_that_goes_wrong_is_found():
    def rate(value, kind=torch.optim.SGD, **options):
        model = network()
        return kinds(train(model, kind(model.parameters(), lr=value, **options), 120))

    assert "learning_rate_too_low" in rate(1e-6)
    assert "learning_rate_too_high" in rate(30.0)
    assert "penalty_too_strong" in rate(0.1, weight_decay=1.0)
    assert rate(0.3) == []


def test_a_schedule_that_is_stepped_too_often_is_found():
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 3, 0.3)
    doctor = train(model, optimizer, 100, between=lambda *_: schedule.step())
    assert kinds(doctor)[0] == "learning_rate_too_low"
    assert "scheduler.step()" in doctor.findings[0].advice


def test_a_warm_up_is_healthy():
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: (step + 1) / 40)
    assert kinds(train(model, optimizer, 40, between=lambda *_: schedule.step())) == []


def test_batches_of_one_class_each_are_found():
    X, y = classes(240)
    rows = y.argsort()

    def loop(order):
        model = network()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        with watch(model, optimizer) as doctor:
            for _ in range(3):
                for some in order().split(16):
                    optimizer.zero_grad()
                    F.cross_entropy(model(X[some]), y[some]).backward()
                    optimizer.step()
        return kinds(doctor)

    assert loop(lambda: rows)[0] == "sorted_batches"
    assert loop(lambda: torch.randperm(len(X))) == []


def test_few_steps_are_not_judged():
    for steps in (1, 3):
        assert train(steps=steps).findings == ()


def test_arguments_are_checked():
    model = network()
    for wrong in (None, nn.Linear, 3):
        with pytest.raises(InputTypeError, match="model"), watch(wrong):
            pass
    for wrong in ({"optimizer": 3}, {"every": 1.5}, {"tell": 3}, {"log": "file"}):
        with pytest.raises(InputTypeError, match=next(iter(wrong))), watch(model, **wrong):
            pass
    with pytest.raises(InputError, match="every"), watch(model, every=0):
        pass
    with watch(model) as doctor:
        for loss, error in (
            ("much", InputTypeError),
            (torch.ones(2), InputError),
            (torch.tensor(1j), InputError),
            (1j, InputTypeError),
        ):
            with pytest.raises(error, match="loss"):
                doctor.step(loss)
    for wrong, kind in ((3, "an int"), ({}, "a dict"), ("", "a str")):
        with pytest.raises(InputTypeError, match=f"optimizer is {kind}, expected"), watch(model, wrong):
            pass


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_held_out_loss_that_is_not_finite_is_said(loss):
    doctor = train()
    assert kinds(doctor) == []
    doctor.validate(1.0)
    doctor.validate(torch.tensor(loss))
    assert kinds(doctor) == ["non_finite"]
    assert "The held-out loss after 40 steps was not finite" in doctor.findings[0].said


def test_a_copy_of_the_model_keeps_no_hook():
    model = network()
    with watch(model):
        twin = copy.deepcopy(model)
    twin(torch.ones(2, 4))


def test_blocks_that_end_in_any_order_leave_nothing_behind():
    plain = torch.autograd.backward
    for order in ((0, 1, 2), (1, 0, 2), (2, 0, 1), (2, 1, 0)):
        blocks = [watch(network()) for _ in range(3)]
        for block in blocks:
            block.__enter__()
        for k in order:
            blocks[k].__exit__(None, None, None)
        assert torch.autograd.backward is plain


def test_lazy_layers_may_meet_their_first_data_within_the_block():
    model = nn.Sequential(nn.LazyLinear(16), nn.ReLU(), nn.Linear(16, 3))
    assert kinds(train(model)) == []


def test_weights_that_do_not_change_are_not_blamed_on_the_rate():
    doctor = train(before_step=lambda optimizer: optimizer.zero_grad())
    assert kinds(doctor) == ["weights_do_not_change"]


def test_units_that_are_saturated_where_the_model_has_learned_are_a_note():
    for goal, severity in ((0, "note"), (1, "severe")):
        model = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4))
        for part in model[::2]:
            part.weight.data = 20 * torch.eye(4)
            part.bias.data.fill_(-10.0)
        X, optimizer = torch.eye(4).repeat(10, 1), torch.optim.SGD(model.parameters(), lr=1e-3)
        with watch(model, optimizer) as doctor:
            for _ in range(10):
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(X), (X.argmax(dim=1) + goal) % 4).backward()
                optimizer.step()
        assert [each.severity for each in doctor.findings if each.kind == "saturated_units"] == [severity]


@pytest.mark.parametrize("fill", ["zeros", "dead"])
def test_no_learning_rate_is_blamed_where_none_would_do(fill):
    model = network()
    with torch.no_grad():
        for parameter in model.parameters() if fill == "zeros" else ():
            parameter.zero_()
        if fill == "dead":
            model[0].bias.fill_(-50)
    doctor = train(model, torch.optim.SGD(model.parameters(), lr=0.01), 100)
    found = {each.kind for each in doctor.findings}
    assert found & {"symmetry", "nothing_arrives"}
    assert str(doctor).endswith("Units are counted from 1.")
    assert not found & {"learning_rate_too_high", "learning_rate_too_low"}, str(doctor)
