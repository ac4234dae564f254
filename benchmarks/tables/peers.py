"""The other models, each at its defaults with one thread, on the same frame as backtalk.

A function takes the task, the inputs and targets to train on, and the inputs to predict; targets are numbers, or the
numbers of classes. It returns predictions, or a row of probabilities for each row. Categories go to each library as it
takes them natively; scikit-learn's networks and linear models get the usual columns: medians for missing numbers,
scaled; words one-hot. Bagged models are five, each trained without one fold of the rows, by which its training stops,
up to 1,000 trees and when 50 more trees have not improved it; their mean predicts.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from .folds import folds_of

CLASSES = "classification"
ROUNDS, PATIENCE = 1000, 50  # trees of a bagged model, at most, and without improvement
MISSING = "missing"
MOST_LEVELS = 254  # of a category in HistGradientBoosting, whose limit is 255; the rarest become missing

Frame = pd.DataFrame
Fit = Callable[[str, Frame, np.ndarray, Frame], np.ndarray]


def words_of(X: Frame) -> list[str]:
    """The columns that are not numbers."""
    return [name for name in X.columns if X[name].dtype.kind not in "iuf"]


def as_categories(train: Frame, *others: Frame) -> list[Frame]:
    """With words as pandas' categories of the training; what the training does not have is missing."""
    found = [train.copy(), *(each.copy() for each in others)]
    for name in words_of(train):
        levels = sorted({str(each) for each in train[name] if not pd.isna(each)})
        number_of = {level: number for number, level in enumerate(levels)}
        for frame in found:
            codes = [-1 if pd.isna(each) else number_of.get(str(each), -1) for each in frame[name]]
            frame[name] = pd.Categorical.from_codes(codes, categories=pd.Index(levels, dtype=object))
    return found


def _predicted(task: str, model: Any, X: Frame) -> np.ndarray:
    return np.asarray(model.predict_proba(X) if task == CLASSES else model.predict(X), dtype=np.float64)


def _catboost_frames(*frames: Frame) -> tuple[list[Frame], list[str]]:
    """CatBoost takes words as they are, but no missing ones."""
    words = words_of(frames[0])
    found = [frame.copy() for frame in frames]
    for frame in found:
        for name in words:
            frame[name] = [MISSING if pd.isna(each) else str(each) for each in frame[name]]
    return found, words


def _catboost(task: str, words: list[str], **settings: Any) -> Any:
    import catboost

    kind = catboost.CatBoostClassifier if task == CLASSES else catboost.CatBoostRegressor
    common = {"thread_count": 1, "verbose": False, "allow_writing_files": False, "random_seed": 0}
    return kind(cat_features=words, **common, **settings)


def catboost(task: str, X: Frame, y: np.ndarray, test: Frame) -> np.ndarray:
    """CatBoost with categories as such."""
    (X, test), words = _catboost_frames(X, test)
    return _predicted(task, _catboost(task, words).fit(X, y), test)


def catboost_bagged(task: str, X: Frame, y: np.ndarray, test: Frame) -> np.ndarray:
    """CatBoost's best number of trees on the fold that was left out, five times."""
    (X, test), words = _catboost_frames(X, test)

    def fit(train: np.ndarray, held_out: np.ndarray) -> Any:
        model = _catboost(task, words, iterations=ROUNDS, early_stopping_rounds=PATIENCE, use_best_model=True)
        return model.fit(X.iloc[train], y[train], eval_set=(X.iloc[held_out], y[held_out]))

    return _bagged(task, y, test, fit)


def _lightgbm(task: str, **settings: Any) -> Any:
    import lightgbm

    kind = lightgbm.LGBMClassifier if task == CLASSES else lightgbm.LGBMRegressor
    return kind(n_jobs=1, verbose=-1, random_state=0, **settings)


def _plain_names(*frames: Frame) -> list[Frame]:
    """LightGBM and XGBoost take no names with brackets, commas and the like."""
    return [frame.set_axis([f"x{number}" for number in range(frame.shape[1])], axis=1) for frame in frames]


def lightgbm(task: str, X: Frame, y: np.ndarray, test: Frame) -> np.ndarray:
    """LightGBM with categories as such."""
    X, test = _plain_names(*as_categories(X, test))
    return _predicted(task, _lightgbm(task).fit(X, y), test)


def lightgbm_bagged(task: str, X: Frame, y: np.ndarray, test: Frame) -> np.ndarray:
    """LightGBM's best number of trees on the fold that was left out, five times."""
    X, test = _plain_names(*as_categories(X, test))

    def fit(train: np.ndarray, held_out: np.ndarray) -> Any:
        from lightgbm import early_stopping

        judge = {"eval_set": [(X.iloc[held_out], y[held_out])], "callbacks": [early_stopping(PATIENCE, verbose=False)]}
        return _lightgbm(task, n_estimators=ROUNDS).fit(X.iloc[train], y[train], **judge)

    return _bagged(task, y, test, fit)


def _bagged(task: str, y: np.ndarray, test: Frame, fit: Callable[[np.ndarray, np.ndarray], Any]) -> np.ndarray:
    """The mean of five models."""
    models = (fit(*rows) for rows in folds_of(task, y))
    return np.mean([_predicted(task, model, test) for model in models], axis=0)


def xgboost(task: str, X: Frame, y: np.ndarray, test: Frame) -> np.ndarray:
    """XGBoost with categories as such."""
    import xgboost as library

    X, test = _plain_names(*as_categories(X, test))
    kind = library.XGBClassifier if task == CLASSES else library.XGBRegressor
    return _predicted(task, kind(n_jobs=1, enable_categorical=True, random_state=0, verbosity=0).fit(X, y), test)


def hist_gradient_boosting(task: str, X: Frame, y: np.ndarray, test: Frame) -> np.ndarray:
    """scikit-learn's gradient boosting with categories as such."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    X, test = X.copy(), test.copy()
    for name in words_of(X):
        counts = X[name].value_counts()
        for frame in (X, test):
            frame[name] = frame[name].where(frame[name].isin(counts.index[:MOST_LEVELS]))
    X, test = as_categories(X, test)
    kind = HistGradientBoostingClassifier if task == CLASSES else HistGradientBoostingRegressor
    return _predicted(task, kind(random_state=0).fit(X, y), test)


def _columns(X: Frame) -> Any:
    """Numbers: medians for missing ones, scaled. Words: one-hot."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    words = words_of(X)
    numbers = [name for name in X.columns if name not in words]
    return ColumnTransformer([
        ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        ("words", OneHotEncoder(handle_unknown="ignore", sparse_output=False), words),
    ])  # fmt: skip


def _words_as_text(X: Frame) -> Frame:
    """With words as text, so that missing ones are a level."""
    return _catboost_frames(X)[0][0]


def linear(task: str, X: Frame, y: np.ndarray, test: Frame) -> np.ndarray:
    """Logistic or ridge regression."""
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline

    model = LogisticRegression(max_iter=1000) if task == CLASSES else Ridge()
    X, test = _words_as_text(X), _words_as_text(test)
    return _predicted(task, make_pipeline(_columns(X), model).fit(X, y), test)


def sklearn_mlp(task: str, X: Frame, y: np.ndarray, test: Frame) -> np.ndarray:
    """scikit-learn's network; targets that are numbers are scaled, without which it cannot learn large ones."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    X, test = _words_as_text(X), _words_as_text(test)
    if task == CLASSES:
        model: Any = make_pipeline(_columns(X), MLPClassifier(random_state=0))
    else:
        network = make_pipeline(_columns(X), MLPRegressor(random_state=0))
        model = TransformedTargetRegressor(network, transformer=StandardScaler())
    return _predicted(task, model.fit(X, y), test)


def realmlp(task: str, X: Frame, y: np.ndarray, test: Frame) -> np.ndarray:
    """RealMLP-TD-S of pytabkit; it takes categories, and medians for missing numbers, which it refuses."""
    from pytabkit import RealMLP_TD_S_Classifier, RealMLP_TD_S_Regressor

    X, test = as_categories(X, test)
    words = words_of(X)
    for name in X.columns:
        if name not in words:
            middle = X[name].median()
            X[name], test[name] = X[name].fillna(middle), test[name].fillna(middle)
    kind = RealMLP_TD_S_Classifier if task == CLASSES else RealMLP_TD_S_Regressor
    model = kind(device="cpu", random_state=0, n_threads=1, verbosity=0)
    return _predicted(task, model.fit(X, y, cat_col_names=words), test).reshape(
        (len(test), -1) if task == CLASSES else -1
    )


PEERS: dict[str, tuple[str, Fit]] = {  # by name: the package that it needs, and what fits it
    "catboost": ("catboost", catboost),
    "lightgbm": ("lightgbm", lightgbm),
    "hgb": ("sklearn", hist_gradient_boosting),
    "xgboost": ("xgboost", xgboost),
    "realmlp": ("pytabkit", realmlp),
    "sklearn-mlp": ("sklearn", sklearn_mlp),
    "linear": ("sklearn", linear),
    "catboost-bagged": ("catboost", catboost_bagged),
    "lightgbm-bagged": ("lightgbm", lightgbm_bagged),
}


def installed() -> list[str]:
    """The peers whose packages are there."""
    return [name for name, (package, _) in PEERS.items() if importlib.util.find_spec(package)]


def quietly(fit: Fit, *arguments: Any) -> np.ndarray:
    """Without the warnings of others: that a network did not converge, that names are missing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fit(*arguments)
