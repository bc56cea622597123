"""Test your own unlearning method. Run it (`python examples/test_your_method.py`) or let pytest collect it.

The method is twenty lines of numpy and knows nothing of `certify`. It is ridge regression: one Newton step on the
retained rows is exact for a quadratic, and noise of a scale fixed by the number of rows covers the rounding.
"""

import numpy as np

# ---- your method ---------------------------------------------------------------------------------------------


class MyRidge:
    l2, covered = 0.1, 1e-9  # the ridge, and the distance that the noise covers

    def __init__(self):
        self.guarantee = {"notion": "SEKHARI", "epsilon": 1, "delta": 1e-5}

    def train(self, data, generator):
        return data, np.linalg.solve(*self.equations(data))

    def equations(self, data):
        rows, columns = data.features.shape
        return data.features.T @ data.features / rows + self.l2 * np.eye(columns), data.features.T @ data.labels / rows

    def noiseless(self, state, forget):
        data, model = state
        hessian, target = self.equations(data.without(forget))
        return model - np.linalg.solve(hessian, hessian @ model - target)

    def noise_scale(self, count, forgotten):
        return (
            3.7307 * self.covered
        )  # 3.7307 distances of noise give (1, 1e-5): `certify noise --epsilon 1 --delta 1e-5 --sensitivity 1`

    def distance_bound(self, state, forget):
        return self.covered

    def unlearn(self, state, forget, generator):
        model = self.noiseless(state, forget)
        return model + self.noise_scale(len(state[0].labels), len(forget)) * generator.standard_normal(model.shape)


# ---- the same with a mistake: the step is taken on all rows, so nothing is forgotten -----------------------------


class Forgetful(MyRidge):
    def noiseless(self, state, forget):
        state[0].without(forget)
        return super().noiseless(state, [])


# ---- under pytest: one test a check --------------------------------------------------------------------------

from certify.testing import check_unlearner, parametrize_with_checks  # noqa: E402


@parametrize_with_checks([MyRidge()])
def test_my_method_conforms(method, check):
    check(method)


# ---- as a script ------------------------------------------------------------------------------------------------


def main():
    for method in (MyRidge(), Forgetful()):
        results = check_unlearner(method, on_fail="record")
        refuted = [result for result in results if result.status == "failed"]
        print(f"{type(method).__name__}: {len(refuted)} of {len(results)} checks refute it")
        for result in refuted:
            print(f"  {result.id}: {result.detail}")


if __name__ == "__main__":
    main()
