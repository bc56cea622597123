"""Other libraries, asked in a process of their own: ``PYTHON benchmarks/_peers.py < request.json > answers.json``.

It imports nothing of certify, so that it runs in an environment that holds the peers alone. The request is
{"peer", "question", "points", "seconds"}; the answer {"version", "answers", "times"}, with a text in place of an answer that failed.
"""

from __future__ import annotations

import importlib.metadata
import json
import signal
import sys
import time
import warnings
from collections.abc import Callable
from types import FrameType
from typing import Any

NAMES = {
    "dp-accounting": "dp-accounting",
    "dp-accounting PLD": "dp-accounting",
    "dp-accounting RDP": "dp-accounting",
    "OpenDP": "opendp",
    "prv-accountant": "prv-accountant",
    "autodp": "autodp",
    "diffprivlib": "diffprivlib",
    "diffprivlib classical": "diffprivlib",
}


def dp_accounting_sigma() -> Callable[..., float]:
    from dp_accounting.gaussian_mechanism import get_sigma_gaussian

    return lambda epsilon, delta: get_sigma_gaussian(epsilon, delta)


def dp_accounting_epsilon() -> Callable[..., float]:
    from dp_accounting.gaussian_mechanism import get_epsilon_gaussian

    return lambda delta, sigma: get_epsilon_gaussian(sigma, delta)


def dp_accounting_compose(accountant: Callable[[], Any]) -> Callable[..., float]:
    import dp_accounting

    def solve(delta: float, sigmas: list[float]) -> float:
        total = accountant()
        for sigma in sigmas:
            total.compose(dp_accounting.GaussianDpEvent(sigma))
        return float(total.get_epsilon(delta))

    return solve


def pld_compose() -> Callable[..., float]:
    from dp_accounting.pld import PLDAccountant

    return dp_accounting_compose(PLDAccountant)


def rdp_compose() -> Callable[..., float]:
    from dp_accounting.rdp import RdpAccountant

    return dp_accounting_compose(RdpAccountant)


def opendp_measurement() -> Callable[[float], Any]:
    import opendp.prelude as dp

    dp.enable_features("contrib")
    space = dp.atom_domain(T=float, nan=False), dp.absolute_distance(T=float)
    return lambda sigma: dp.m.make_gaussian(*space, scale=sigma)


def opendp_sigma() -> Callable[..., float]:
    import opendp.prelude as dp

    make = opendp_measurement()

    def solve(epsilon: float, delta: float) -> float:
        def private(sigma: float) -> Any:
            return dp.c.make_fix_delta(dp.c.make_zCDP_to_approxDP(make(sigma)), delta=delta)

        return float(dp.binary_search_param(private, d_in=1.0, d_out=(epsilon, delta), T=float))

    return solve


def opendp_epsilon() -> Callable[..., float]:
    import opendp.prelude as dp

    make = opendp_measurement()
    return lambda delta, sigma: dp.c.make_zCDP_to_approxDP(make(sigma)).map(d_in=1.0).epsilon(delta=delta)


def opendp_compose() -> Callable[..., float]:
    import opendp.prelude as dp

    make = opendp_measurement()

    def solve(delta: float, sigmas: list[float]) -> float:
        together = dp.c.make_composition([make(sigma) for sigma in sigmas])
        return float(dp.c.make_zCDP_to_approxDP(together).map(d_in=1.0).epsilon(delta=delta))

    return solve


def prv_compose() -> Callable[..., float]:
    from prv_accountant import GaussianMechanism, PRVAccountant

    def solve(delta: float, sigmas: list[float]) -> float:
        """Its upper estimate, with errors of 0.01 in epsilon and a thousandth of delta, as its documentation advises."""
        accountant = PRVAccountant([GaussianMechanism(sigma) for sigma in sigmas], eps_error=0.01, delta_error=delta / 1000)
        return float(accountant.compute_epsilon(delta, [1] * len(sigmas))[2])

    return solve


def prv_epsilon() -> Callable[..., float]:
    solve = prv_compose()
    return lambda delta, sigma: solve(delta, [sigma])


def autodp_sigma() -> Callable[..., float]:
    from autodp.calibrator_zoo import ana_gaussian_calibrator
    from autodp.mechanism_zoo import ExactGaussianMechanism

    calibrate = ana_gaussian_calibrator()
    return lambda epsilon, delta: calibrate(ExactGaussianMechanism, epsilon, delta).params["sigma"]


def autodp_epsilon() -> Callable[..., float]:
    from autodp.mechanism_zoo import ExactGaussianMechanism

    return lambda delta, sigma: ExactGaussianMechanism(sigma).get_approxDP(delta)


def autodp_compose() -> Callable[..., float]:
    from autodp.mechanism_zoo import ExactGaussianMechanism
    from autodp.transformer_zoo import Composition

    def solve(delta: float, sigmas: list[float]) -> float:
        together = Composition()(
            [ExactGaussianMechanism(sigma, name=f"release {i}") for i, sigma in enumerate(sigmas)], [1] * len(sigmas)
        )
        return float(together.get_approxDP(delta))

    return solve


def diffprivlib_sigma() -> Callable[..., float]:
    from diffprivlib.mechanisms import GaussianAnalytic

    return lambda epsilon, delta: GaussianAnalytic(epsilon=epsilon, delta=delta, sensitivity=1)._scale


def diffprivlib_classical() -> Callable[..., float]:
    from diffprivlib.mechanisms import Gaussian

    return lambda epsilon, delta: Gaussian(epsilon=epsilon, delta=delta, sensitivity=1)._scale


SOLVERS: dict[tuple[str, str], Callable[[], Callable[..., float]]] = {
    ("sigma", "dp-accounting"): dp_accounting_sigma,
    ("sigma", "OpenDP"): opendp_sigma,
    ("sigma", "autodp"): autodp_sigma,
    ("sigma", "diffprivlib"): diffprivlib_sigma,
    ("sigma", "diffprivlib classical"): diffprivlib_classical,
    ("epsilon", "dp-accounting"): dp_accounting_epsilon,
    ("epsilon", "OpenDP"): opendp_epsilon,
    ("epsilon", "prv-accountant"): prv_epsilon,
    ("epsilon", "autodp"): autodp_epsilon,
    ("compose", "dp-accounting PLD"): pld_compose,
    ("compose", "dp-accounting RDP"): rdp_compose,
    ("compose", "OpenDP"): opendp_compose,
    ("compose", "prv-accountant"): prv_compose,
    ("compose", "autodp"): autodp_compose,
}


def opendp_draws(integers: bool) -> Callable[[int], Any]:
    """Its exact Gaussian noise on a vector: on a grid of 2^-12, or on the integers."""
    import opendp.prelude as dp

    dp.enable_features("contrib")

    def draw(count: int) -> Any:
        kind = int if integers else float
        inner = dp.atom_domain(T=int) if integers else dp.atom_domain(T=float, nan=False)
        space = dp.vector_domain(inner, size=count), dp.l2_distance(T=kind)
        release = dp.m.make_gaussian(*space, scale=1.0, **({} if integers else {"k": -12}))
        return release([kind(0)] * count)

    return draw


def diffprivlib_draws() -> Callable[[int], Any]:
    from diffprivlib.mechanisms import GaussianDiscrete

    mechanism = GaussianDiscrete(epsilon=1.0, delta=1e-5, sensitivity=1)
    return lambda count: [mechanism.randomise(0) for _ in range(count)]


SAMPLERS: dict[tuple[str, str], Callable[[], Callable[[int], Any]]] = {
    ("floats", "OpenDP"): lambda: opendp_draws(False),
    ("integers", "OpenDP"): lambda: opendp_draws(True),
    ("integers", "diffprivlib"): diffprivlib_draws,
}


def out_of_time(signal_number: int, frame: FrameType | None) -> None:
    raise TimeoutError("out of time")


def answered(solve: Callable[..., float], points: list[list[Any]], seconds: float) -> tuple[list[float | str], list[float]]:
    """Every answer with its time; a call that raises, or is still running after so many seconds, is a failure."""
    answers: list[float | str] = []
    times = []
    signal.signal(signal.SIGALRM, out_of_time)
    for point in points:
        start = time.perf_counter()
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            answers.append(float(solve(*point)))
        except Exception as problem:
            answers.append(f"{type(problem).__name__}: {' '.join(str(problem).split())[:100]}")
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        times.append(time.perf_counter() - start)
    return answers, times


def main() -> None:
    request = json.load(sys.stdin)
    peer, question = request["peer"], request["question"]
    warnings.simplefilter("ignore")
    version = importlib.metadata.version(NAMES[peer])
    if request.get("count"):
        draw = SAMPLERS[question, peer]()
        draw(100)
        start = time.perf_counter()
        draw(request["count"])
        times: list[float] = [(time.perf_counter() - start) / request["count"]]
        answers: list[float | str] = []
    else:
        solve = SOLVERS[question, peer]()
        answered(solve, request["points"][:1], request["seconds"])  # a warm-up
        answers, times = answered(solve, request["points"], request["seconds"])
    json.dump({"version": version, "answers": answers, "times": times}, sys.stdout)


if __name__ == "__main__":
    main()
