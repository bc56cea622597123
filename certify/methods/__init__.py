"""Unlearning algorithms: the structural protocol, and the built-in methods that follow it."""

from .builtin import ExactRidge, NewtonUnlearning, Retraining
from .protocol import Parameters, State, Unlearner

__all__ = ["ExactRidge", "NewtonUnlearning", "Parameters", "Retraining", "State", "Unlearner"]
