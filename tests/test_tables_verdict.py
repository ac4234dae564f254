"""The verdict on a run: what is found, and where nothing is to be found; and the doctor beside it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import typer
from sklearn import datasets

from backtalk import Network
from backtalk.analysis.diagnose import NETWORK_RULES, Finding
from backtalk.apps.cli import app
from backtalk.apps.tables import diagnose, evaluate, train
from backtalk.apps.tables.advice import ADVICE, agreed, for_table
from backtalk.apps.tables.folder import METRICS, REPORT
from backtalk.apps.tables.prepare import prepare
from backtalk.apps.tables.target import Target
from backtalk.apps.tables.verdict import WELL
from backtalk.apps.tables.verdict.alone import find_giveaways, places_of
from backtalk.apps.tables.verdict.chance import Difference, differ, ranks, rises_with, tells_apart
from backtalk.apps.tables.verdict.compare import Rows
from backtalk.apps.tables.verdict.course import find_far_apart, find_still_falling
from backtalk.errors import FileFormatError
from one_network import ALONE_IN_WORDS, Options

SMALL = {"hidden": (8,), "epochs": 40, "patience": 5}


def table_of(X, y, **more) -> pl.DataFrame:
    return pl.DataFrame({**{f"x{k}": column for k, column in enumerate(X.T)}, **more, "y": y})


def words(positive, yes: str = "yes", no: str = "no") -> np.ndarray:
    return np.where(positive, yes, no)


def run_on(frame: pl.DataFrame, folder: Path, **options):
    frame.write_parquet(folder / "t.parquet")
    return train(folder / "t.parquet", folder / "run", Options("y", **{**SMALL, **options}))


def verdict_on(frame: pl.DataFrame, folder: Path, **options) -> dict[str, dict]:
    return {remark["name"]: remark for remark in run_on(frame, folder, **options).metrics["verdict"]}


def kinds(result) -> set[str]:
    return {finding.kind for finding in result.diagnosis.findings if finding.severity != "note"}


# Better than the constant, or not


def classes(rows: int = 1000, seed: int = 0) -> pl.DataFrame:
    X = np.random.default_rng(seed).normal(size=(rows, 4))
    return table_of(X, words(X[:, 0] + X[:, 1] > 0))


def test_a_good_run_has_one_line_with_its_figures(tmp_path):
    verdict = verdict_on(classes(), tmp_path, epochs=400)
    assert list(verdict) == [WELL]
    sentence = verdict[WELL]["sentence"]
    assert re.search(r"^better than always '(yes|no)': accuracy [01]\.\d+ against 0\.\d+ on 200 test rows", sentence)
    assert "larger than chance" in sentence
    assert verdict[WELL]["advice"] == ""


def test_a_good_run_on_numbers_too(tmp_path):
    X = np.random.default_rng(1).normal(size=(600, 4))
    verdict = verdict_on(table_of(X, 1e6 * (X @ [1, 2, -1, 1] + X[:, 0] ** 2)), tmp_path, patience=0)
    assert re.search(
        r"better than always the mean of the training rows: .* against \d,\d\d\d,\d\d\d on 120 test",
        verdict[WELL]["sentence"],
    )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("numbers", [False, True])
def test_a_target_that_has_nothing_to_do_with_the_columns_is_called_so(tmp_path, seed, numbers):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=600) if numbers else words(rng.random(600) < 0.6)
    verdict = verdict_on(table_of(rng.normal(size=(600, 4)), y), tmp_path)
    assert WELL not in verdict
    assert next(iter(verdict)) == "no_better_than_constant"
    assert re.match(r"(no better|worse) than always", verdict["no_better_than_constant"]["sentence"])


def test_few_rows_are_said_and_not_called_proof(tmp_path):
    verdict = verdict_on(classes(24), tmp_path)
    found = {name: remark["sentence"] for name, remark in verdict.items()}
    assert "5 test rows" in found.get("no_better_than_constant", "") + found.get("few_rows", "")


def test_more_inputs_than_rows_are_said(tmp_path):
    X = np.random.default_rng(0).normal(size=(40, 60))
    said = verdict_on(table_of(X, X[:, 0]), tmp_path)["more_inputs_than_rows"]["sentence"]
    assert "60 inputs" in said
    assert "28 training rows" in said


def test_rows_that_were_all_trained_on_prove_nothing(tmp_path):
    verdict = verdict_on(classes(200), tmp_path, test=0.0, validation=0.0)
    assert "--test" in verdict["nothing_held_out"]["advice"]


def test_balanced_classes_are_compared_as_they_were_weighed(tmp_path):
    frame = rare(2000, 0.05, 2.0)
    verdict = verdict_on(frame, tmp_path, class_weight="balanced")
    assert list(verdict) == ["baseline_as_good", WELL]
    assert re.search(r"balanced accuracy 0\.\d+ against 0\.5", verdict[WELL]["sentence"])


# Classes that are never predicted


def rare(rows: int, share: float, strength: float, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    y = rng.random(rows) < share
    X = rng.normal(size=(rows, 5))
    X[:, 0] += strength * y
    return table_of(X, words(y, "fraud", "fine"))


def test_a_class_that_is_never_predicted_is_named_with_what_to_do(tmp_path):
    verdict = verdict_on(rare(3000, 0.02, 1.0), tmp_path)
    never = verdict["never_predicted"]
    assert "'fraud'" in never["sentence"]
    assert "--class-weight balanced" in never["advice"]
    assert "'probability of fraud'" in never["advice"]
    assert "the probabilities are better" in verdict["classes_no_better"]["sentence"]


def test_a_threshold_is_no_advice_for_a_class_of_which_nothing_is_known(tmp_path):
    verdict = verdict_on(rare(3000, 0.04, 0.0), tmp_path)
    assert "no_better_than_constant" in verdict
    assert "would only guess" in verdict["never_predicted"]["advice"]


def test_classes_that_are_predicted_are_not_named(tmp_path):
    assert "never_predicted" not in verdict_on(rare(3000, 0.1, 4.0), tmp_path)


# Columns that give the target away


def giveaways(frame: pl.DataFrame, folder: Path, seed: int = 0, **options) -> dict[str, list[str]]:
    frame.write_parquet(folder / "t.parquet")
    ready = prepare(folder / "t.parquet", Options("y", seed=seed, **options))
    found = find_giveaways(ready.target, ready.preprocessing, ready.parts)
    return {remark.name: remark.columns for remark in found}


def leaking(kind: str) -> pl.DataFrame:
    rng = np.random.default_rng(3)
    X, noise = rng.normal(size=(1500, 4)), rng.normal(size=1500)
    y = X[:, 0] + noise > 0
    price = np.exp(X[:, 0] + noise)
    match kind:
        case "text":
            return table_of(X, words(y), refund=words(y, "paid", "open"))
        case "number":
            return table_of(X, words(y), days=np.where(y, 3 + rng.random(1500), rng.random(1500)))
        case "band":
            return table_of(X, np.digitize(price, [0.5, 1, 2]).astype(str), cost=price)
        case "missing":
            return table_of(X, words(y), closed=pl.Series([1.0 + k if own else None for k, own in enumerate(y)]))
        case "rare":
            y = noise > 2
            return table_of(X, words(y), chargeback=np.where(y, rng.integers(2, 9, 1500), 0))
        case "currency":
            return table_of(X, price, euro=0.9 * price)
        case "logarithm":
            return table_of(X, price, log=np.log(price))


@pytest.mark.parametrize("kind", ["text", "number", "band", "missing", "rare", "currency", "logarithm"])
def test_a_column_that_is_the_target_in_other_words_is_named(tmp_path, kind):
    frame = leaking(kind)
    assert giveaways(frame, tmp_path) == {"too_good_to_be_true": [frame.columns[-2]]}


def test_a_giveaway_comes_first_in_the_verdict(tmp_path):
    verdict = run_on(leaking("text"), tmp_path).metrics["verdict"]
    assert [remark["name"] for remark in verdict] == ["too_good_to_be_true", WELL]
    assert "'refund' alone gives 'y' right for all 1,500 rows" in verdict[0]["sentence"]
    assert "known before 'y'" in verdict[0]["advice"]
    assert verdict[0]["advice"].endswith("--ignore refund")


def test_a_column_that_is_nearly_always_right_and_far_ahead_is_named(tmp_path):
    rng = np.random.default_rng(4)
    X = rng.normal(size=(1500, 4))
    y = X[:, 0] + rng.normal(size=1500) > 0
    wrong = rng.random(1500) < 0.03
    assert giveaways(table_of(X, words(y), closed=words(y ^ wrong, "in", "out")), tmp_path) == {
        "one_column_decides": ["closed"]
    }


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes"])
def test_no_wolf_is_cried_on_tables_that_are_honestly_easy(tmp_path, name, seed):
    data = getattr(datasets, f"load_{name}")()
    y = data.target if name == "diabetes" else data.target.astype(str)
    assert giveaways(table_of(data.data, y), tmp_path, seed) == {}


def test_what_all_columns_together_give_away_is_no_wolf(tmp_path):
    X = np.random.default_rng(0).normal(size=(1500, 4))
    assert giveaways(table_of(X, X @ [1, 2, -1, 3]), tmp_path) == {}
    assert giveaways(table_of(X, words(X @ [1, 2, -1, 3] > 0)), tmp_path) == {}


def test_a_table_of_one_column_is_its_own_one_column_model(tmp_path):
    x = np.arange(200.0)
    assert giveaways(table_of(x[:, None] % 37, 2 * (x % 37) + 0.5), tmp_path) == {}


def test_a_large_table_is_judged_by_a_sample_and_says_so(tmp_path):
    rng = np.random.default_rng(0)
    y = rng.random(30_000) < 0.5
    table_of(rng.normal(size=(30_000, 2)), words(y), b=words(y, "p", "q")).write_parquet(tmp_path / "t.parquet")
    ready = prepare(tmp_path / "t.parquet", Options("y"))
    (remark,) = find_giveaways(ready.target, ready.preprocessing, ready.parts)
    assert "20,000 rows drawn from 30,000" in remark.sentence


def test_the_inputs_of_each_column_are_its_own(tmp_path):
    days = [f"2024-{1 + k % 12:02}-{1 + k % 28:02}" for k in range(60)]
    frame = table_of(
        np.random.default_rng(0).normal(size=(60, 2)), ["p", "q"] * 30, word=["a", "b", "c"] * 20, day=days,
        gap=[None if k % 5 == 0 else float(k % 7) for k in range(60)],
    )  # fmt: skip
    frame.write_parquet(tmp_path / "t.parquet")
    preprocessing = prepare(tmp_path / "t.parquet", Options("y")).preprocessing
    places, names = places_of(preprocessing), preprocessing.inputs
    assert [names[places[name].number] for name in ("x0", "x1", "day", "gap")] == ["x0", "x1", "day", "gap"]
    assert names[places["gap"].missing] == "gap is missing"
    assert names[slice(*places["word"].categories)] == ["word = a", "word = b", "word = c"]


# The course of training


def test_a_loss_that_falls_at_the_last_epoch_is_said(tmp_path):
    remark = verdict_on(classes(), tmp_path, epochs=4)["still_falling"]
    assert "validation loss" in remark["sentence"]
    assert "--epochs 10" in remark["advice"]


@pytest.mark.parametrize(
    ("losses", "reason", "falls"),
    [
        ([1.0], "epochs", True),
        ([1.0, 0.5], "epochs", True),
        ([1.0, 0.5, 0.6], "epochs", False),
        ([1.0, 0.5], "patience", False),
        (list(np.linspace(2, 1, 40)), "epochs", True),
        ([1.0, *np.linspace(2e-5, 1e-5, 40)], "epochs", False),
        ([1.0, *[0.3] * 40], "epochs", False),
        ([], "epochs", False),
    ],
)
def test_only_a_fall_that_matters_is_said(losses, reason, falls):
    assert bool(find_still_falling(losses, (), reason)) is falls
    if losses:  # the validation loss is what counts, if there is one
        assert bool(find_still_falling([1.0] * len(losses), losses, reason)) is falls


def far_apart(shift: float, seed: int, drawn: bool = True) -> list:
    rng = np.random.default_rng(seed)
    target = Target("y", "classification", "", classes=["a", "b"])

    def rows(part: str, mean: float) -> Rows:
        lead, truth = rng.normal(mean, size=200), rng.integers(0, 2, 200)
        right = 1 / (1 + np.exp(-lead))
        return Rows(part, truth, np.where(truth[:, None] == [0, 1], right[:, None], 1 - right[:, None]))

    network = Network.create([1, 2], rng=0)
    return find_far_apart(target, network, rows("validation", 1.5), rows("test", 1.5 - shift), drawn)


def test_validation_far_from_test_is_said_with_what_may_be_the_reason():
    (drawn,), (split,) = far_apart(1.5, 0), far_apart(1.5, 0, drawn=False)
    assert "the test rows go worse than the validation rows: share of wrong classes 0." in drawn.sentence
    assert "--split time=COLUMN" in drawn.advice
    assert "not drawn at random" in split.advice


def test_rows_of_one_kind_are_not_called_far_apart():
    assert [far_apart(0.0, seed) for seed in range(100)] == [[]] * 100


def test_the_kept_epoch_is_always_said(call, tmp_path):
    classes(200).write_csv(tmp_path / "t.csv")
    for patience, kept in (("5", None), ("0", 3)):
        command = (
            "train",
            "t.csv",
            "--target",
            "y",
            "--epochs",
            "3",
            *ALONE_IN_WORDS,
            "--patience",
            patience,
            "--overwrite",
        )
        assert "the network is the one after" in call(*command)[1]
        metrics = json.loads((tmp_path / "t-run" / METRICS).read_text())["trainings"][0]
        assert metrics["kept_epoch"] == (kept or metrics["best_epoch"])


# Chance


def test_pairs_of_rows_are_compared():
    d = np.array([1.0] * 30 + [-1.0] * 5 + [0.0] * 65)
    assert Difference.of(d).is_more
    assert not Difference.of(-d).is_more
    assert Difference.of(-d).is_less
    assert not Difference.of(np.zeros(50)).is_more
    assert not Difference.of(np.ones(5)).is_more  # five rows prove nothing


def test_weights_count_as_so_many_rows():
    d, count = np.array([1.0, -1.0, 0.0, 1.0, 1.0, 0.0]), np.array([3.0, 1.0, 2.0, 1.0, 4.0, 2.0])
    plain = Difference.of(np.repeat(d, count.astype(int)))
    assert Difference.of(d, weight=count).mean == pytest.approx(plain.mean)
    assert Difference.of(d, weight=np.ones(6)) == Difference.of(d)
    assert Difference.of(np.array([*d, -9.0]), weight=np.array([*count, 0.0])).mean == pytest.approx(plain.mean)


def test_the_verdict_and_the_scores_have_the_same_figures_with_weights(tmp_path):
    frame = classes(600).with_columns(w=np.random.default_rng(5).integers(0, 5, 600))
    metrics = run_on(frame, tmp_path, weight="w").metrics
    found = next(remark for remark in metrics["verdict"] if remark["name"] == WELL)["sentence"]
    assert f"accuracy {metrics['scores']['test']['accuracy']:#.4g} against" in found


def test_few_false_alarms_of_chance():
    rng = np.random.default_rng(0)
    found = [Difference.of(rng.normal(size=40)).is_more for _ in range(1000)]
    assert np.mean(found) < 0.03
    assert not any(differ(rng.normal(size=50), rng.normal(size=80)) for _ in range(200))
    assert differ(rng.normal(size=50), 1 + rng.normal(size=80))


def test_ranks_tell_what_goes_together():
    x = np.arange(40.0)
    assert ranks(np.array([3.0, 1.0, 3.0])).tolist() == [2.5, 1.0, 2.5]
    assert rises_with(x, x**3)
    assert not rises_with(x, -x)
    assert not rises_with(x, np.ones(40))
    assert tells_apart(x, x > 20)
    assert not tells_apart(x, x < 20)
    assert not tells_apart(x, x > 36)  # three rows say nothing


# Where it is shown


def test_the_verdict_comes_first_wherever_results_are(call, tmp_path):
    leaking("text").write_csv(tmp_path / "t.csv")
    command = ("train", "t.csv", "--target", "y", "--hidden", "4", "--epochs", "5")
    shown = call(*command)[1]
    told = [line for line in shown.splitlines() if line.startswith("verdict ")]
    assert "'refund' alone" in told[0]
    assert shown.index("verdict ") < shown.index("5 epochs in")
    page = (tmp_path / "t-run" / REPORT).read_text(encoding="utf-8")
    assert page.index("&#x27;refund&#x27; alone") < page.index("class='beside'")
    found = json.loads(call(*command, "--overwrite", "--json")[1])["verdict"]
    assert found == json.loads((tmp_path / "t-run" / METRICS).read_text())["verdict"]
    assert set(found[0]) == {"name", "sentence", "advice", "columns"}
    assert "verdict " in call("resume", "t-run")[1]
    assert json.loads(call("evaluate", "t-run", "t.csv", "--json")[1])["verdict"][0]["name"] == WELL
    assert "verdict   better than always" in call("evaluate", "t-run", "t.csv")[1]


def test_a_table_to_evaluate_is_judged_beside_the_training_rows(tmp_path):
    run_on(classes(), tmp_path)
    constant = json.loads((tmp_path / "run" / METRICS).read_text())["constant"]
    X = np.random.default_rng(9).normal(size=(300, 4))
    table_of(X, words(np.random.default_rng(8).random(300) < 0.5)).write_parquet(tmp_path / "other.parquet")
    (remark,) = evaluate(tmp_path / "run", tmp_path / "other.parquet")[0]["verdict"]
    common = ["no", "yes"][int(np.argmax(constant["shares"]))]
    assert re.match(f"(no better|worse) than always '{common}'", remark["sentence"])


def test_an_earlier_run_without_a_constant_is_judged_by_the_table_itself(tmp_path):
    run_on(classes(), tmp_path)
    path = tmp_path / "run" / METRICS
    facts = json.loads(path.read_text())
    for name in ("constant", "verdict", "trainings"):
        del facts[name]
    path.write_text(json.dumps(facts))
    assert evaluate(tmp_path / "run", tmp_path / "t.parquet")[0]["verdict"][0]["name"] == WELL
    path.unlink()
    assert evaluate(tmp_path / "run", tmp_path / "t.parquet")[0]["verdict"][0]["name"] == WELL


@pytest.mark.parametrize("constant", [{"shares": [1.0]}, {"shares": None}, 5, {"shares": "x"}])
def test_a_constant_that_was_edited_is_refused(tmp_path, constant):
    run_on(classes(100), tmp_path, epochs=1)
    path = tmp_path / "run" / METRICS
    path.write_text(json.dumps(json.loads(path.read_text()) | {"constant": constant}))
    with pytest.raises(FileFormatError, match="constant"):
        evaluate(tmp_path / "run", tmp_path / "t.parquet")


def test_the_same_table_gives_the_same_bytes(tmp_path):
    texts = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        run_on(leaking("currency"), tmp_path / name, epochs=3)
        texts.append((tmp_path / name / "run" / METRICS).read_bytes())
    assert texts[0] == texts[1]


# The doctor beside it


@pytest.mark.parametrize("share", [0.02, 0.05])
@pytest.mark.parametrize("strength", [0.0, 1.5])
def test_the_doctor_accuses_no_label_of_a_rare_class(tmp_path, share, strength):
    result = run_on(rare(3000, share, strength), tmp_path, diagnose=True)
    found = {finding.kind for finding in result.diagnosis.findings}
    assert not {"mislabelled_examples", "dominating_examples"} & found


def test_the_doctor_still_finds_labels_that_were_flipped(tmp_path):
    X = np.random.default_rng(0).normal(size=(1500, 4))
    y = 2 * X[:, 0] - X[:, 1] > 0
    flipped = np.random.default_rng(1).choice(1500, 60, replace=False)
    y[flipped] ^= True
    result = run_on(table_of(X, words(y)), tmp_path, diagnose=True)
    (found,) = (each for each in result.diagnosis.findings if each.kind == "mislabelled_examples")
    assert "'yes', rather 'no'" in found.said
    assert "leave them out" not in found.advice
    assert np.isin(np.array(found.examples) - 1, flipped).mean() > 0.9  # as rows of the table, counted from 1
    later, *_ = diagnose(tmp_path / "run", tmp_path / "t.parquet")
    (found,) = (each for each in later.findings if each.kind == "mislabelled_examples")
    assert np.isin(np.array(found.examples) - 1, flipped).mean() > 0.9


def test_verdict_and_doctor_do_not_contradict_each_other():
    underfitting = Finding("underfitting", "warning", 1.0, "", "", "")
    mislabelled = Finding("mislabelled_examples", "warning", 1.0, "", "", "")
    assert agreed(underfitting, {WELL}).severity == "note"
    assert agreed(underfitting, {"no_better_than_constant"}) == underfitting
    assert agreed(mislabelled, {"one_column_decides"}) is None
    assert agreed(mislabelled, {WELL}) == mislabelled


@pytest.mark.parametrize("kind", NETWORK_RULES)
def test_every_advice_for_tables_is_in_options_that_there_are(kind):
    known = {name for each in typer.main.get_command(app).commands["train"].params for name in each.opts}
    for numbers in ({}, {"learning_rate": 0.001}, {"learning_rate": None}, {"classes": True}):
        for options in (Options("y"), Options("y", class_weight="balanced", patience=0, dropout=0.5, l2_penalty=0.1)):
            told = for_table(Finding(kind, "note", 1.0, "", "", "", numbers), options)
            assert set(re.findall(r"--[a-z][a-z0-9-]*", told.advice)) <= known
            assert told.advice.endswith(".")


def test_there_is_advice_for_every_kind():
    assert set(ADVICE) == set(NETWORK_RULES)
