"""All findings of a loop, ranked, without those that another look contradicts."""

from __future__ import annotations

from ...diagnose.finding import Finding
from ...diagnose.ranking import rank, without_rate_in_vain
from ...diagnose.rules.layers import milder_where_learned
from .course import find_in_course
from .programs import find_in_program
from .recorder import Recorder
from .run import run_of

OF_FIRST_BATCHES = ("one_target", "missing_classes", "class_imbalance")


def judge(recorder: Recorder) -> tuple[Finding, ...]:
    """The findings of this moment."""
    of_steps = [*find_in_program(recorder), *find_in_course(recorder)]
    kinds = {each.kind for each in of_steps}
    if "weights_do_not_change" in kinds:  # for a reason that no other rate would take away
        of_steps = [each for each in of_steps if each.kind != "learning_rate_too_low"]
    run = run_of(recorder)
    share = None if run is None or not run.constant or run.shared else run.late / run.constant
    found = [*recorder.audits.findings, *milder_where_learned(recorder.looks.findings, share)]
    if not recorder.unreached():  # not in one step, but in another one, as in a model of two parts that take turns
        found = [each for each in found if each.kind != "unreached_parameters"]
    if "sorted_batches" in kinds:  # what the first batches say of the classes is wrong
        found = [each for each in found if each.kind not in OF_FIRST_BATCHES]
    every = without_rate_in_vain([*of_steps, *found])
    if any(each.severity != "note" and each.kind != "training_too_short" for each in every):
        every = [each for each in every if each.kind != "training_too_short"]  # more of this would not help
    return rank(every)
