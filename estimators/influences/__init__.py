"""Influence to first order, u'(A + damping I)^-1 v: intervals that hold, scores that are estimates, and retraining to compare with.

The folder is called ``influences`` because ``certify.estimators.influence`` is the function.
"""
