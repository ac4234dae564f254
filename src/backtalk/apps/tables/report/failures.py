"""Where it fails: the worst rows, what is taken for what, and how far predictions and probabilities are off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....errors import cut
from ....pages import charts, plots
from ....pages.page import card, number_text, table
from ..verdict.compare import words_of
from .facts import Facts
from .names import apart

MOST_CLASSES = 25  # of a confusion matrix
MOST_CELLS = 10  # of a row
LONGEST, LABEL = 32, 18  # letters of a name or a cell, and of one beside a matrix
MANY_LETTERS = 10  # of a number
FEW = 10  # rows, whose share says little
Point = tuple[float, float]


def cards(facts: Facts) -> list[str]:
    """Those that the task has."""
    of_task = _of_classes(facts) if facts.classifies else _of_numbers(facts)
    return [*_worst(facts), *of_task]


def _worst(facts: Facts) -> list[str]:
    worst, metrics = facts.metrics.get("worst_rows") or [], facts.metrics
    if not worst:
        return []
    columns = list(worst[0]["cells"])[:MOST_CELLS]
    numbered, classifies = "row" in worst[0], facts.classifies
    last = "probability of the truth" if classifies else "off by"
    rows, named = [], {}
    if classifies:
        classes = list(dict.fromkeys(each[what] for each in worst for what in ("truth", "prediction")))
        named = dict(zip(classes, apart(classes, LONGEST), strict=True))
    for each in worst:
        given = f"{each['probability']:.3f}" if classifies else number_text(each["error"])
        told = [named.get(each[what]) or _text(each[what]) for what in ("truth", "prediction")]
        number = [f"{each['row']:,}"] if numbered else []
        rows.append([*number, *told, given, *(_cell(each["cells"].get(name, "")) for name in columns)])
    heads = [*(["row"] if numbered else []), "truth", "prediction", last, *apart(columns, LONGEST)]
    left = len(worst[0]["cells"]) - len(columns)
    more = f"; {left} more columns in metrics.json" if left > 0 else ""
    part = words_of(metrics["judged"])
    note = f"those of the {part} rows that are furthest off: wrong labels and cells are often among them{more}"
    fixed = 4 if numbered else 3
    amounts = {k for k in range(fixed, len(heads)) if all(_is_number(row[k]) for row in rows)}
    amounts |= {fixed - 1, *([0] if numbered else []), *([] if classifies else [fixed - 2, fixed - 3])}
    return [card("Worst rows", table(heads, rows, numbers=amounts, one_line=True), note, wide=True)]


def _cell(text: str) -> str:
    """A cell; a number of very many digits with six."""
    if len(text) > MANY_LETTERS and _is_number(text):
        return f"{float(text.replace(',', '')):.6g}"
    return cut(text, LONGEST)


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "") or "0")
    except ValueError:
        return False
    return True


def _text(value: Any) -> str:
    return number_text(value) if isinstance(value, float) else cut(str(value), LONGEST)


def _of_classes(facts: Facts) -> list[str]:
    metrics, names = facts.metrics, facts.metrics["classes"]
    counts = metrics["scores"][metrics["judged"]]["confusion_matrix"]
    shown = []
    if len(names) <= MOST_CLASSES:
        note = f"rows: the truth; columns: predicted; {facts.rows}"
        shown.append(card("Confusion matrix", plots.matrix(counts, apart(names, LABEL)), note))
    else:
        wrong = [(count, i, j) for i, row in enumerate(counts) for j, count in enumerate(row) if i != j and count]
        pairs = sorted(wrong, key=lambda each: (-each[0], each[1:]))[:MOST_CLASSES]
        told = apart(names, LONGEST)
        lines = [[told[i], told[j], f"{count:,}"] for count, i, j in pairs]
        listed = table(["truth", "predicted", "rows"], lines, numbers={2})
        shown.append(card("Most frequent confusions", listed, facts.rows))
    return shown + _curves(facts)


def _curves(facts: Facts) -> list[str]:
    """Whether probabilities hold, and what each threshold finds, if that was measured."""
    metrics, shown = facts.metrics, []
    if found := metrics.get("reliability"):
        held = [each for each in found["bins"] if each["rows"] >= FEW] or found["bins"]
        pairs = {"": [(each["said"], each["found"]) for each in held]}
        of = f"of '{cut(metrics['classes'][1], LONGEST)}'" if len(metrics["classes"]) == 2 else "of the likeliest class"
        across, up = f"probability {of}", "how often it was so"
        picture = charts.lines(pairs, x_label=across, y_label=up, shares=True, diagonal=True, dots=True)
        note = f"on the dashed line probabilities are what they say; the mean distance is {found['error']:.3f}"
        note += f"; points of fewer than {FEW} rows are left out" * (len(held) < len(found["bins"]))
        shown.append(card("Do probabilities hold?", picture, note))
    of_roc, of_recall = _at_its_threshold(metrics)
    if curves := metrics.get("roc"):
        across, up, lines = "share of the others taken for it", "share found of the class", _by_class(curves)
        marks = {"as it predicts": of_roc} if of_roc else None
        picture = charts.lines(lines, x_label=across, y_label=up, shares=True, diagonal=True, marks=marks)
        shown.append(card("ROC curve", picture, f"{_of_which(curves)}; on the dashed line nothing is told apart"))
    if curves := metrics.get("precision_recall"):
        across, up, lines = "recall: share found of the class", "precision: share right", _by_class(curves)
        marks = {"as it predicts": of_recall} if of_recall else None
        picture = charts.lines(lines, x_label=across, y_label=up, shares=True, marks=marks)
        shown.append(card("Precision and recall", picture, _of_which(curves)))
    return shown


def _by_class(curves: Sequence[Mapping[str, Any]]) -> dict[str, list[tuple[float, float]]]:
    names = apart([each["class"] for each in curves], LONGEST)
    return {name: [(x, y) for x, y in each["points"]] for name, each in zip(names, curves, strict=True)}


def _of_which(curves: Sequence[Mapping[str, Any]]) -> str:
    """Of which class the curves are, and at what."""
    if len(curves) > 1:
        return "each class against the others, at every threshold of its probability"
    return f"'{cut(curves[0]['class'], LONGEST)}' against the others, at every threshold of its probability"


def _at_its_threshold(metrics: Mapping[str, Any]) -> tuple[Point | None, Point | None]:
    """Where the predictions lie on both curves, of two classes: by the confusion matrix, if rows count alike."""
    counts = metrics["scores"][metrics["judged"]]["confusion_matrix"]
    if len(counts) != 2 or metrics["weight"] is not None:
        return None, None
    (others, wrong), (missed, right) = counts
    if not (others + wrong and missed + right and wrong + right):
        return None, None
    recall = right / (missed + right)
    return (wrong / (others + wrong), recall), (recall, right / (wrong + right))


def _of_numbers(facts: Facts) -> list[str]:
    found, name = facts.metrics.get("true_and_predicted"), facts.metrics["target"]
    if not found:
        return []
    y, predicted = found["truth"], found["prediction"]
    rows, all_rows = len(y), facts.metrics["scores"][facts.metrics["judged"]]["rows"]
    of_which = facts.rows if rows == all_rows else f"{rows:,} of {facts.rows}"
    picture = plots.points(y, predicted, x_label=f"{name}, in the table", y_label="predicted")
    residuals = [b - a for a, b in zip(y, predicted, strict=True)]
    return [
        card("Predicted and true", picture, f"{of_which}; on the dashed line both are equal"),
        card("Residuals", plots.bars(residuals, label="predicted − true"), of_which),
    ]
