"""Estimates the accuracy of a window without labels, from the model's confidence, with an interval.

The mean confidence of a calibrated model is its accuracy (CBPE). Calibration holds for complaints like those that it
was made on, so the held-out complaints are weighted to look like the window, and the confidence is calibrated anew on
them: M-CBPE (Białek et al., 2024, https://arxiv.org/abs/2401.08348). The weights are those of a classifier that tells
the window from the held-out complaints by what the model answered. (By the text's columns as well, the estimate is
worse: a shortened text is not like a short one.) Where the held-out complaints have little that is like the window,
the calibration stays near that of all of them.

It is right where complaints change, and their relation to the labels does not. Swapped labels cannot be seen without
labels.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

Floats = npt.NDArray[np.float64]
Classes = npt.NDArray[np.int64]

# Weights beyond this many times the average are cut: one complaint shall not stand for the window.
_MOST_WEIGHT = 5.0
_RIDGE = 50.0  # of the weights' classifier, on standardised columns
# A calibration is a line in log odds. How far it may move is told by complaints; these many speak for the start, which
# is the model's own confidence for all held-out complaints, and their line for the weighted ones.
_PRIOR_OF_ALL, _PRIOR_OF_WEIGHTED = 20.0, 100.0
_INFORMATION = 0.25  # that one complaint has at most
_EDGE = 1e-3  # a confidence is never 0 or 1
_Z = 1.96  # of 95 %


class Estimate(NamedTuple):
    """The estimated accuracy of a window, and the interval that holds the true one in 95 of 100 windows.

    `effective` is the number of held-out complaints that the weights amount to (Kish, 1965).
    """

    accuracy: float
    low: float
    high: float
    effective: float


def estimated_accuracy(
    confidence: Floats, classes: Classes, held_confidence: Floats, held_classes: Classes, held_correct: Floats
) -> Estimate:
    """The estimate for a window; `classes` are the numbers of the predicted classes.

    The interval covers the window's own luck and the calibration's uncertainty.
    """
    count = int(max(classes.max(), held_classes.max())) + 1
    weights = likeness(_answers(confidence, classes, count), _answers(held_confidence, held_classes, count))
    effective = float(weights.sum() ** 2 / (weights**2).sum())
    design = _line(held_confidence)
    every, _ = logistic(design, held_correct, np.ones(len(weights)), np.array([0.0, 1.0]), _strength(_PRIOR_OF_ALL))
    line, covariance = logistic(
        # As many complaints as they amount to: unequal weights are less evidence.
        design,
        held_correct,
        weights * effective / len(weights),
        every,
        _strength(_PRIOR_OF_WEIGHTED),
    )
    window = _line(confidence)
    calibrated = expit(window @ line)
    slope = calibrated * (1 - calibrated)
    gradient = (window * slope[:, None]).mean(axis=0)
    variance = float(slope.mean() / len(confidence) + gradient @ covariance @ gradient)
    accuracy, reach = float(calibrated.mean()), _Z * variance**0.5
    return Estimate(accuracy, max(0.0, accuracy - reach), min(1.0, accuracy + reach), effective)


def likeness(columns: Floats, held_columns: Floats) -> Floats:
    """The weight of each held-out complaint: how much more often its kind occurs in the window; 1 on average."""
    together = np.vstack([held_columns, columns])
    spread = together.std(axis=0)
    scaled = (together - together.mean(axis=0)) / np.where(spread > 0, spread, 1)
    design = np.column_stack([np.ones(len(scaled)), scaled])
    held, seen = len(held_columns), len(columns)
    is_window = np.repeat([0.0, 1.0], [held, seen])
    balanced = np.repeat([0.5 / held, 0.5 / seen], [held, seen]) * len(scaled)
    ridge = np.append(1e-6, np.full(scaled.shape[1], _RIDGE))
    found, _ = logistic(design, is_window, balanced, np.zeros(design.shape[1]), ridge)
    odds = np.exp(np.clip(design[:held] @ found, -20, 20))
    weights = np.minimum(odds / odds.mean(), _MOST_WEIGHT)
    return np.asarray(weights / weights.mean())


def logistic(
    design: Floats, answers: Floats, weights: Floats, prior: Floats, strength: Floats
) -> tuple[Floats, Floats]:
    """The coefficients of a weighted logistic regression with a normal prior, and their covariance; Newton's method."""
    found = prior.copy()
    for _ in range(50):
        chance = expit(design @ found)
        gradient = design.T @ (weights * (answers - chance)) - strength * (found - prior)
        hessian = (design * (weights * chance * (1 - chance))[:, None]).T @ design + np.diag(strength)
        step = np.linalg.solve(hessian, gradient)
        found = found + step
        if np.abs(step).max() < 1e-9:
            break
    return found, np.linalg.inv(hessian)


def _odds(confidence: Floats) -> Floats:
    return np.asarray(logit(np.clip(confidence, _EDGE, 1 - _EDGE)))


def _line(confidence: Floats) -> Floats:
    return np.column_stack([np.ones(len(confidence)), _odds(confidence)])


def _answers(confidence: Floats, classes: Classes, count: int) -> Floats:
    """The confidence in log odds, and a column for each class."""
    return np.column_stack([_odds(confidence), np.eye(count)[classes]])


def _strength(complaints: float) -> Floats:
    return np.full(2, complaints * _INFORMATION)
