"""Releases by each sampler: what they promise, what a verifier recomputes, and what a switch of the sampler is worth."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import json
import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import certify
from certify.bounds.bound import Bound
from certify.certificates import Certificate, terms
from certify.certificates.build import certificate_of
from certify.certificates.certificate import seal
from certify.certificates.numbers import write_number
from certify.certificates.schema import Predicate
from certify.certificates.tensors import tensors_digest, write_tensors
from certify.cli import main
from certify.errors import InputError
from certify.mechanisms.discrete_gaussian import DiscreteGaussianMechanism
from certify.mechanisms.grid_noise import GridNoise, grid_for, grid_noise
from certify.objectives import Logistic, Ridge
from certify.proofs.sides import Side
from certify.runs import Run
from certify.sampling import Keystream, discrete_gaussian, discrete_normal, grid_of
from certify.storage import sha256
from certify.tables import write_table
from certify.verification import Verdict, verify
from certify.verification.arithmetic import facts_of, replay
from certify.verification.artefacts import on_grid
from certify.verification.chain import _check_total
from certify.verification.data import same_bits
from certify.verification.ledger import Ledger, Refused

SEED = bytes(range(32))
Data = tuple[NDArray[np.float64], NDArray[np.int64]]


@pytest.fixture(scope="module")
def data() -> Data:
    rows = np.random.default_rng(0).uniform(-0.5, 0.5, (50, 3))
    return rows, (rows[:, 0] > 0).astype(int)


@pytest.fixture(scope="module")
def fitted(data: Data) -> certify.Fitted:
    return certify.fit(Logistic(*data, l2=0.05))


@pytest.fixture(scope="module")
def rounded(fitted: certify.Fitted) -> Run:
    return certify.unlearn(fitted, [3, 17], epsilon=1, delta="1e-5")


@pytest.fixture(scope="module")
def discrete(fitted: certify.Fitted) -> Run:
    return certify.unlearn(fitted, [3, 17], epsilon=1, delta="1e-5", sampler="discrete")


@pytest.fixture(scope="module")
def by_caller(fitted: certify.Fitted) -> Run:
    return certify.unlearn(fitted, [3, 17], epsilon=1, delta="1e-5", generator=np.random.default_rng(1))


def failing(verdict: Verdict) -> set[str]:
    return {check.id for check in verdict.failed}


def in_wire(number: float | Fraction) -> dict[str, str]:
    return dict(zip(("value", "approx"), write_number(number), strict=True))


def declared_elsewhere(statement: dict[str, Any], sampler: str, model: NDArray[np.float64] | None = None) -> Certificate:
    """What another producer writes for noise of its own: all that follows from the sampler is consistent."""
    made = copy.deepcopy(statement)
    mechanism = made["predicate"]["mechanism"]
    mechanism |= {"sampler": sampler, "entropy": "caller"}
    mechanism["grid"] = None if sampler == "ideal" else in_wire(grid_of(float.fromhex(mechanism["sigma"]["value"])))
    facts = facts_of(Predicate.model_validate(made["predicate"], by_alias=True, by_name=False))
    made["predicate"]["premises"] = [premise.model_dump(mode="json", by_alias=True) for premise in terms.premises(facts)]
    made["predicate"]["exclusions"] = terms.exclusions(facts)
    if model is not None:
        made["subject"][0]["digest"] = {
            "sha256": sha256(write_tensors({"parameters": model})), "tensors": tensors_digest({"parameters": model}),
        }  # fmt: skip
    return seal(made)


def foreign_folder(run: Run, place: Path, sampler: str, model: NDArray[np.float64]) -> Path:
    """The run folder of another producer."""
    folder = run.save(place)
    (folder / "certificate.json").write_bytes(declared_elsewhere(statement_of(run), sampler, model).to_json())
    (folder / "model.safetensors").write_bytes(write_tensors({"parameters": model}))
    return folder


def statement_of(run: Run) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(run.certificate.envelope.payload)
    return loaded


# ---------------------------------------------------------------- the law


def test_a_discrete_release_is_the_rounded_parameters_and_whole_steps_of_noise() -> None:
    mean = np.array([0.3, -0.0, 0.125, 0.375, -7.1, 1e6])
    drawn = discrete_normal(mean, 3.0, 0.25, Keystream(SEED))
    assert (drawn == 0.25 * (np.array([1, 0, 0, 2, -28, 4_000_000]) + discrete_gaussian(12.0, 6, Keystream(SEED)))).all()
    still = discrete_normal(np.full(500, -0.1), 2.0**-20, 1.0, Keystream(SEED))  # no noise beside the grid: nothing but zeros
    assert (still == 0).all() and not np.signbit(still).any()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"grid": 0.3}, "power of two"),
        ({"grid": 0.0}, "between"),
        ({"grid": -1.0}, "between"),
        ({"sigma": float("nan")}, "between"),
        ({"grid": 2.0**-41}, "2\\^40 grids"),
        ({"sigma": 2.0**-102}, "2\\^40 grids"),
        ({"mean": [2.0**54]}, "coarser grid"),
        ({"mean": [float("inf")]}, "finite"),
        ({"mean": "1"}, "real numbers"),
        ({"generator": 7}, "Keystream"),
    ],
)
def test_impossible_requests_get_one_line(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        discrete_normal(**{"mean": [0.0], "sigma": 1.0, "grid": 1.0, **changes})
    assert "\n" not in str(caught.value)


# ---------------------------------------------------------------- how much noise


def upper(number: float) -> Bound:
    return Bound(number, Side.UPPER)


def concentrated_delta(square: int, scale: Fraction, epsilon: int) -> Any:
    """The least delta of any order by zCDP (Canonne, Kamath and Steinke 2020), with 40 digits."""
    with mpmath.workdps(40):
        rho = mpmath.mpf(square) / (2 * (mpmath.mpf(scale.numerator) / scale.denominator) ** 2)

        def logarithm(order: Any) -> Any:
            return (order - 1) * (order * rho - epsilon + mpmath.log(1 - 1 / order)) - mpmath.log(order)

        orders = [1 + mpmath.mpf(2) ** (mpmath.mpf(step) / 64) for step in range(-640, 640)]
        best = min(range(len(orders)), key=lambda place: logarithm(orders[place]))
        low, high = orders[best - 1], orders[best + 1]
        for _ in range(200):
            left, right = low + (high - low) / 3, high - (high - low) / 3
            low, high = (low, right) if logarithm(left) < logarithm(right) else (left, high)
        return mpmath.exp(logarithm(low))


@pytest.mark.parametrize("dimension", [2, 30, 1000])
@pytest.mark.parametrize(("epsilon", "delta"), [(1, "1e-5"), (0, "0.01"), (8, "1e-12")])
def test_the_scale_is_enough_by_another_arithmetic_and_hardly_more(dimension: int, epsilon: int, delta: str) -> None:
    sensitivity = 0.02
    found = grid_noise(upper(sensitivity), dimension, epsilon, delta)
    with mpmath.workdps(40):
        steps = (mpmath.mpf(sensitivity) + mpmath.mpf(found.grid) * mpmath.sqrt(dimension)) / found.grid
        square = int(mpmath.floor(steps**2))
    scale = found.sigma.rational / Fraction(found.grid)
    assert concentrated_delta(square, scale, epsilon) <= mpmath.mpf(delta)
    assert concentrated_delta(square, scale * (1 - Fraction(2) ** -22), epsilon) > mpmath.mpf(delta)
    assert (
        found.sigma.value / found.sensitivity.value < 2 * certify.noise(epsilon=epsilon, delta=delta, sensitivity=1).sigma.value
    )


def exact_delta(scale: float, shift: int, epsilon: float) -> float:
    """The mass by which one law exceeds e^epsilon times the other, integer by integer."""
    support = np.arange(-int(12 * scale) - shift, int(12 * scale) + 2 * shift)
    one, other = (np.exp(-(((support - moved) / scale) ** 2) / 2) for moved in (0, shift))
    total = one.sum()
    return float(np.maximum(one / total - np.exp(epsilon) * other / total, 0).sum())


def test_of_one_parameter_the_scale_is_that_of_the_exact_profile() -> None:
    found = grid_noise(upper(1.0), 1, 1, "1e-5")
    shift, scale = int(1 / found.grid) + 1, found.sigma.value / found.grid
    assert found.grid == 2.0**-8
    assert exact_delta(scale, shift, 1) <= 1e-5 * (1 + 1e-9)
    assert exact_delta(scale * (1 - 1e-5), shift, 1) > 1e-5  # negative control: no scale so much below is enough
    assert found.sigma.value < 0.93 * grid_noise(upper(1.0), 2, 1, "1e-5").sigma.value  # zCDP costs more


def test_of_two_parameters_no_test_of_the_very_laws_exceeds_the_claim() -> None:
    """Both laws on the plane, point by point, for every way to move by the whole sensitivity along a ring."""
    epsilon, delta = 20, 1e-10
    found = grid_noise(upper(1.0), 2, epsilon, "1e-10")
    scale, steps = found.sigma.value / found.grid, 1 / found.grid + 2**0.5
    line = np.arange(-int(9 * scale), int(9 * scale) + int(steps) + 1)
    weight = np.exp(-((line / scale) ** 2) / 2)
    weight /= weight.sum()
    worst = 0.0
    for angle in (0.0, 0.3, np.pi / 4):
        moves = [int(np.floor(steps * function(angle))) for function in (np.cos, np.sin)]
        one = np.multiply.outer(weight, weight)
        moved = [np.exp(-(((line - move) / scale) ** 2) / 2) for move in moves]
        other = np.multiply.outer(*(part / part.sum() for part in moved))
        worst = max(worst, float(np.maximum(other - np.exp(epsilon) * one, 0).sum()))
    assert delta / 100 < worst <= delta


@pytest.mark.parametrize("dimension", [1, 5])
def test_a_search_that_stops_short_costs_nothing_but_a_few_more_tries(dimension: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is released is proved enough by itself, whatever the search proposed."""
    honest = DiscreteGaussianMechanism.least_scale
    wanted = grid_noise(upper(1.0), dimension, 1, "1e-5")
    for short, words in ((1e-6, ""), (1e-3, "no scale of 24 binary digits")):
        monkeypatch.setattr(DiscreteGaussianMechanism, "least_scale", lambda *given, short=short: honest(*given) * (1 - short))
        if words:
            with pytest.raises(InputError, match=words):
                grid_noise(upper(1.0), dimension, 1, "1e-5")
        else:
            assert grid_noise(upper(1.0), dimension, 1, "1e-5") == wanted


def test_the_grid_is_a_power_of_two_and_rounding_costs_at_most_a_256th() -> None:
    for sensitivity, dimension in itertools.product((1e-200, 3e-7, 1.0, 1.7, 1e200), (1, 2, 7, 10**6)):
        grid = grid_for(Fraction(sensitivity), dimension)
        assert np.frexp(grid)[0] == 0.5
        share = Fraction(grid) ** 2 * dimension * 256**2 / Fraction(sensitivity) ** 2
        assert Fraction(1, 4) < share <= 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((0.0, 3, 1, "1e-5"), "sensitivity of 0"),
        ((1.0, 0, 1, "1e-5"), "dimension"),
        ((1.0, True, 1, "1e-5"), "dimension"),
        ((1.0, 3, -1, "1e-5"), "epsilon"),
        ((1.0, 3, 1, 0), "delta"),
        ((1.0, 3, 1, 1), "delta"),
        ((1.0, 3, 0, "1e-20"), "2\\^40 steps"),
        ((1e-303, 3, 1, "1e-5"), "ends of the doubles"),
    ],
)
def test_impossible_noise_gets_one_line(arguments: tuple[float, int, Any, Any], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        grid_noise(upper(arguments[0]), *arguments[1:])
    assert "\n" not in str(caught.value)


# ---------------------------------------------------------------- discrete releases


def test_a_discrete_release_is_verified_and_replayed_bit_for_bit(discrete: Run, data: Data, tmp_path: Path) -> None:
    folder = discrete.save(tmp_path / "run")
    verdict = verify(folder, data=data)
    assert verdict.exit_code == 0 and verdict.level == "data", str(verdict)
    predicate = discrete.certificate.predicate
    assert (predicate.mechanism.noise, predicate.mechanism.sampler) == ("discrete-gaussian", "discrete")
    assert predicate.guarantee.mu is None and predicate.transcript.mu is None and predicate.transcript.rho is not None
    used = {lemma.id for lemma in predicate.lemmas}
    assert {"discrete-gaussian.sensitivity", "discrete-gaussian.zcdp", "zcdp.renyi", "renyi.profile"} <= used
    assert not {"gaussian.profile", "gaussian.mu"} & used
    noise = discrete.noise
    assert isinstance(noise, GridNoise)
    again = discrete_normal(discrete.noiseless.numpy(), noise.sigma.value, noise.grid, Keystream(discrete.seed or b""))
    assert same_bits(again, discrete.model.numpy())
    moved = discrete.model.clone()
    moved[0] += noise.grid
    assert failing(verify(dataclasses.replace(discrete, model=moved), data=data)) == {"data.noise"}
    assert "discrete Gaussian" in str(discrete.certificate)


def test_a_discrete_release_with_the_callers_generator_is_tested_by_its_size(fitted: certify.Fitted, data: Data) -> None:
    made = certify.unlearn(fitted, [3], epsilon=1, delta="1e-5", sampler="discrete", generator=np.random.default_rng(2))
    assert verify(made, data=data).holds and terms.CALLER_NOISE in made.exclusions
    assert isinstance(made.noise, GridNoise)
    quiet = torch.from_numpy(np.rint(made.noiseless.numpy() / made.noise.grid) * made.noise.grid + 0.0)
    assert failing(verify(dataclasses.replace(made, model=quiet), data=data)) == {"data.noise"}


def test_of_one_parameter_the_profile_itself_is_in_the_derivation() -> None:
    rows = np.random.default_rng(1).uniform(-1, 1, (30, 1))
    made = certify.unlearn(certify.fit(Ridge(rows, rows[:, 0] * 2, l2=0.05)), [1], epsilon=1, delta="1e-5", sampler="discrete")
    assert verify(made, data=(rows, rows[:, 0] * 2)).exit_code == 0
    kinds = {node.id: node.kind for node in made.certificate.predicate.derivation}
    assert kinds["delta"] == kinds["square"] == kinds["scale"] == "enclosed" and "order" not in kinds
    for name in ("delta", "square", "scale"):
        statement = statement_of(made)
        node = next(node for node in statement["predicate"]["derivation"] if node["id"] == name)
        node["number"] = in_wire(float(Fraction(*map(int, node["number"]["value"].split("/"))) if "/" in node["number"]["value"]
                                       else float.fromhex(node["number"]["value"])) * 1.5)  # fmt: skip
        assert "derivation" in failing(verify(seal(statement)))
        statement = statement_of(made)
        node = next(node for node in statement["predicate"]["derivation"] if node["id"] == name)
        node["inputs"] = node["inputs"][:-1]
        assert "derivation" in failing(verify(seal(statement)))


SEQUENCES = ["D", "DD", "RD", "DR", "RRDRD"]


@pytest.mark.parametrize("samplers", SEQUENCES)
def test_sequences_with_a_discrete_release_are_counted_in_zcdp(fitted: certify.Fitted, data: Data, samplers: str) -> None:
    made: Any = fitted
    parts: list[float] = []
    for place, name in enumerate(samplers):
        made = certify.unlearn(made, [place], epsilon=1, delta="1e-5", sampler={"D": "discrete", "R": "rounded-normal"}[name])
        nodes = {node.id: float(node.number) for node in made.certificate.predicate.derivation}
        parts.append(nodes["rho"] if name == "D" else nodes["mu"] ** 2 / 2)
    transcript = made.certificate.predicate.transcript
    assert transcript.mu is None and float(transcript.rho) == pytest.approx(sum(parts), rel=1e-12)
    assert verify(made, data=data).exit_code == 0
    if len(samplers) > 1:
        epsilon, rho = float(transcript.epsilon), float(transcript.rho)
        orders = 1 + np.logspace(-3, 4, 20_000)
        least = float((orders * rho + np.log1p(-1 / orders) - np.log(1e-5 * orders) / (orders - 1)).min())
        assert least - 1e-6 < epsilon < least + 1e-9  # the orders tried are few, so theirs is a little above the least
        less = statement_of(made)
        less["predicate"]["transcript"]["epsilon"] = in_wire(np.nextafter(epsilon, 0.0))  # not even by one unit in the last place
        assert "transcript" in failing(verify(seal(less)))


def test_exact_releases_spend_nothing_in_either_currency() -> None:
    rows = np.random.default_rng(1).uniform(-1, 1, (30, 2))
    labels = rows[:, 0] * 2
    exact = certify.unlearn(certify.fit(Ridge(rows, labels, l2=0.05)), [2], method="exact")
    noised = certify.unlearn(exact, [3], epsilon=1, delta="1e-5", sampler="discrete")
    last = certify.unlearn(noised, [4], method="exact")
    for made in (exact, noised, last):
        assert verify(made, data=(rows, labels)).exit_code == 0
    assert last.certificate.predicate.transcript.rho == noised.certificate.predicate.transcript.rho


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_the_move_in_the_derivation_is_the_longest_by_whole_steps(columns: int) -> None:
    """Of one parameter the steps are whole; of several the squared length is, and that of the steps rounded down would be too short."""
    rows = np.random.default_rng(1).uniform(-1, 1, (30, columns))
    made = certify.unlearn(certify.fit(Ridge(rows, rows[:, 0], l2=0.05)), [1], epsilon=1, delta="1e-5", sampler="discrete")
    nodes = {node.id: node.number.exact for node in made.certificate.predicate.derivation}
    steps = nodes["steps"]
    assert nodes["square"] == (int(steps) ** 2 if columns == 1 else int(steps**2))
    assert columns == 1 or nodes["square"] > int(steps) ** 2
    assert float(nodes["rho"]) == pytest.approx(float(nodes["square"] / (2 * nodes["scale"] ** 2)), rel=1e-15)
    if columns > 1:
        assert concentrated_delta(int(nodes["square"]), nodes["scale"], 1) <= mpmath.mpf(float(nodes["delta"])) * (
            1 + mpmath.mpf(10) ** -12
        )


def test_no_producer_chooses_another_grid_or_more_noise(discrete: Run) -> None:
    """Both could be functions of the records. Everything else follows from them, and the guarantee holds."""
    noise = discrete.noise
    assert isinstance(noise, GridNoise)
    for changed in (
        dataclasses.replace(noise, grid=noise.grid / 2),
        dataclasses.replace(noise, sigma=Bound(noise.sigma.value * 1.25, Side.UPPER)),
    ):
        model = discrete_normal(discrete.noiseless.numpy(), changed.sigma.value, changed.grid, Keystream(discrete.seed or b""))
        forged = dataclasses.replace(discrete, noise=changed, model=torch.from_numpy(model))
        assert failing(verify(forged)) == {"policy.sigma"}
    assert not failing(verify(discrete))


def test_no_other_currency_is_smuggled_in(discrete: Run, rounded: Run) -> None:
    """A Gaussian parameter of a discrete release, and a zCDP one beside that of a Gaussian transcript."""
    claims, counts = statement_of(discrete), statement_of(rounded)
    claims["predicate"]["guarantee"]["mu"] = in_wire(0.25)
    counts["predicate"]["transcript"]["rho"] = in_wire(2.0**-20)
    assert failing(verify(seal(claims))) == {"guarantee"}
    assert failing(verify(seal(counts))) == {"transcript"}


def test_a_link_that_understates_a_zcdp_transcript_is_refused(fitted: certify.Fitted, tmp_path: Path) -> None:
    first = certify.unlearn(fitted, [1], epsilon=1, delta="1e-5", sampler="discrete")
    second = certify.unlearn(first, [2], epsilon=1, delta="1e-5")
    stored = certify.load_run(first.save(tmp_path / "first"))
    statement = statement_of(first)
    transcript = statement["predicate"]["transcript"]
    transcript["rho"], transcript["mu"] = None, in_wire(2.0**-20)  # as if it had been counted in mu
    liar = dataclasses.replace(second, previous=dataclasses.replace(stored, certificate=seal(statement)))
    folder = liar.save(tmp_path / "run")
    assert "previous" in failing(verify(folder))
    both = statement_of(first)
    both["predicate"]["transcript"]["mu"] = in_wire(0.1)
    neither = statement_of(first)
    neither["predicate"]["transcript"]["rho"] = None
    for forged in (both, neither, statement):
        assert "transcript" in failing(verify(seal(forged)))


@pytest.mark.parametrize(
    "samplers", [("discrete", "rounded-normal"), ("rounded-normal", "discrete"), ("rounded-normal", "rounded-normal")]
)
def test_a_release_that_understates_what_was_spent_before_it_is_refused(
    fitted: certify.Fitted, tmp_path: Path, samplers: tuple[str, str]
) -> None:
    """It names the true predecessor, follows from its own numbers, and starts from a quarter of what that one spent."""
    first = certify.unlearn(fitted, [1], epsilon=1, delta="1e-5", sampler=samplers[0])
    second = certify.unlearn(first, [2], epsilon=1, delta="1e-5", sampler=samplers[1])
    stored = certify.load_run(first.save(tmp_path / "first"))
    less = statement_of(first)
    transcript = less["predicate"]["transcript"]
    currency = "mu" if transcript["mu"] else "rho"
    transcript[currency] = in_wire(float.fromhex(transcript[currency]["value"]) / 4)
    liar = statement_of(dataclasses.replace(second, previous=dataclasses.replace(stored, certificate=seal(less))))
    liar["predicate"]["request"]["previous"] = first.certificate.digest
    folder = second.save(tmp_path / "run")
    (folder / "certificate.json").write_bytes(seal(liar).to_json())
    assert failing(verify(folder)) == {"previous"}
    (folder / "previous.json").unlink()
    assert verify(folder).holds  # then it is the premise transcript.previous that is believed


def test_the_total_of_a_sequence_is_that_of_its_releases_and_of_no_others(fitted: certify.Fitted) -> None:
    first = certify.unlearn(fitted, [1], epsilon=1, delta="1e-5")
    second = certify.unlearn(first, [2], epsilon=1, delta="1e-5", sampler="discrete")
    replays = [replay(run.certificate, Ledger()) for run in (first, second)]
    assert all(found is not None for found in replays)
    predicate = second.certificate.predicate
    _check_total(predicate, replays)  # type: ignore[arg-type]
    for wrong in ([replays[1]], [*replays, replays[1]], [replays[0], replays[0]]):
        with pytest.raises(Refused, match="of the sequence"):
            _check_total(predicate, wrong)  # type: ignore[arg-type]
    cheaper = predicate.transcript.model_copy(update={"epsilon": predicate.guarantee.epsilon})
    with pytest.raises(Refused, match="whole sequence"):
        _check_total(predicate.model_copy(update={"transcript": cheaper}), replays)  # type: ignore[arg-type]


def test_noise_too_small_and_samplers_that_do_not_fit_are_not_certified(discrete: Run, rounded: Run) -> None:
    noise = discrete.noise
    assert isinstance(noise, GridNoise)
    less = dataclasses.replace(noise, sigma=upper(noise.sigma.value * 0.999))
    for changes, words in (
        ({"noise": less}, "too small"),
        ({"sampler": "rounded-normal"}, "noise of this run"),
        ({"sampler": "ideal"}, "no certificate is issued"),
        ({"sampler": "box-muller"}, "no certificate is issued"),
        ({"noise": rounded.noise}, "noise of this run"),
    ):
        with pytest.raises(InputError, match=words):
            certificate_of(dataclasses.replace(discrete, **changes))


def test_the_sampler_can_be_fixed_at_the_fit_and_holds_from_disk(data: Data, tmp_path: Path) -> None:
    settled = certify.fit(Logistic(*data, l2=0.05), policy=certify.Policy(epsilon=1, delta="1e-5", sampler="discrete"))
    first = certify.unlearn(settled, [1])
    assert first.sampler == "discrete" and verify(first, data=data).exit_code == 0
    again = certify.unlearn(certify.load_run(first.save(tmp_path / "first"), data=data), [2])
    assert again.sampler == "discrete" and verify(again, data=data).exit_code == 0
    with pytest.raises(InputError, match="fixes every number"):
        certify.unlearn(settled, [1], sampler="discrete")
    for name, words in (("ideal", "made elsewhere"), ("gauss", "unknown sampler")):
        foolish = certify.fit(Logistic(*data, l2=0.05), policy=certify.Policy(epsilon=1, delta="1e-5", sampler=name))
        for source, options in ((foolish, {}), (settled, {"epsilon": 1, "delta": "1e-5", "sampler": name})):
            with pytest.raises(InputError, match=words):
                certify.unlearn(source, [1], **options)  # type: ignore[arg-type]


# ---------------------------------------------------------------- ideal noise is a declaration


def test_ideal_noise_made_elsewhere_holds_only_as_declared(
    by_caller: Run, data: Data, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert by_caller.noise is not None
    generator = np.random.default_rng(5)
    model = by_caller.noiseless.numpy() + by_caller.noise.sigma.value * generator.standard_normal(len(by_caller.model))
    folder = foreign_folder(by_caller, tmp_path / "run", "ideal", model)
    verdict = verify(folder, data=data)
    assert verdict.exit_code == 0 and verdict.level == "data", str(verdict)
    assert main(["verify", str(folder)]) == 0
    assert "floating-point noise is not" in " ".join(capsys.readouterr().out.split())
    assert terms.IDEAL in verdict.to_json()["conclusion"] and terms.IDEAL in str(
        declared_elsewhere(statement_of(by_caller), "ideal")
    )
    premises = {link.id: link.status.label for link in verdict.premises}
    assert premises["sampler.ideal"] == "assumed" and "sampler.seed" not in premises
    assert verify(folder, data=data, require="enclosed").exit_code == 3
    assert "mechanism.sampler" in verdict.declared
    assert terms.IDEAL not in verify(by_caller, data=data).conclusion  # negative control
    quiet = foreign_folder(by_caller, tmp_path / "quiet", "ideal", by_caller.noiseless.numpy())
    assert failing(verify(quiet, data=data)) == {"data.noise"}


def test_noise_made_elsewhere_may_not_pass_for_ours(by_caller: Run, data: Data, tmp_path: Path) -> None:
    """Switched to rounded-normal with all that follows from it: its bits lie on no grid, and the model alone tells."""
    assert by_caller.noise is not None
    model = by_caller.noiseless.numpy() + by_caller.noise.sigma.value * np.random.default_rng(5).standard_normal(
        len(by_caller.model)
    )
    folder = foreign_folder(by_caller, tmp_path / "run", "rounded-normal", model)
    shutil.rmtree(folder / "secret")
    assert failing(verify(folder)) == {"artefacts.grid"}
    assert verify(folder / "certificate.json").holds  # from the certificate alone nobody can see it


def test_a_sequence_remembers_that_a_release_was_ideal(by_caller: Run, tmp_path: Path) -> None:
    stored = certify.load_run(by_caller.save(tmp_path / "first"))
    ideal = declared_elsewhere(statement_of(by_caller), "ideal")
    second = certify.unlearn(by_caller, [5], epsilon=1, delta="1e-5")
    chained = dataclasses.replace(second, previous=dataclasses.replace(stored, certificate=ideal))
    assert terms.IDEAL in verify(chained).conclusion
    assert terms.IDEAL not in verify(second).conclusion


# ---------------------------------------------------------------- switching the sampler


@pytest.mark.parametrize("kind", ["rounded", "discrete", "by_caller"])
@pytest.mark.parametrize("sampler", ["ideal", "rounded-normal", "discrete", "none", "box-muller"])
def test_switching_the_field_alone_is_refused(kind: str, sampler: str, request: pytest.FixtureRequest) -> None:
    run: Run = request.getfixturevalue(kind)
    if sampler == run.sampler:
        return
    statement = statement_of(run)
    statement["predicate"]["mechanism"]["sampler"] = sampler
    for also in ({}, {"noise": terms.SAMPLERS.get(sampler, "gaussian")}, {"entropy": "caller"}):
        changed = copy.deepcopy(statement)
        changed["predicate"]["mechanism"] |= also
        if sampler == "box-muller":
            with pytest.raises(ValueError, match="sampler"):
                seal(changed)
            continue
        assert not verify(seal(changed)).holds


def test_a_rounded_normal_called_ideal_changes_the_verdict(by_caller: Run) -> None:
    """The weaker claim is true, and nobody reads it as the stronger one."""
    weaker = verify(declared_elsewhere(statement_of(by_caller), "ideal"))
    assert weaker.holds and terms.IDEAL in weaker.conclusion
    seeded = json.loads(declared_elsewhere(statement_of(by_caller), "ideal").envelope.payload)
    seeded["predicate"]["mechanism"]["entropy"] = "operating-system"
    assert "problem" in failing(verify(seal(seeded)))


def test_each_law_needs_its_own_scale(rounded: Run, discrete: Run) -> None:
    """A discrete claim at the Gaussian scale, and a Gaussian one at the discrete scale, each rewritten as far as a forger can."""
    assert rounded.noise is not None and discrete.noise is not None
    for honest, other in ((discrete, rounded), (rounded, discrete)):
        statement, donor = statement_of(honest), statement_of(other)
        for name in ("sigma", "grid"):
            number = donor["predicate"]["mechanism"][name]
            statement["predicate"]["mechanism"][name] = number
            for node in statement["predicate"]["derivation"]:
                node["number"] = number if node["id"] == name else node["number"]
        assert failing(verify(seal(statement))) >= {"policy.sigma"}


GRIDS: list[tuple[str, Any]] = [
    ("too coarse", in_wire(2.0**-4)),
    ("too fine", in_wire(2.0**-60)),
    ("huge", in_wire(2.0**900)),
    ("beyond", {"value": f"{10**400}/1", "approx": "inf"}),
    ("zero", in_wire(0.0)),
    ("negative", in_wire(-(2.0**-20))),
    ("no power of two", in_wire(0.3)),
    ("no double", in_wire(Fraction(1, 3))),
    ("nan", {"value": "nan", "approx": "nan"}),
    ("infinite", {"value": "inf", "approx": "inf"}),
    ("text", "fine"),
    ("number", 0.25),
    ("none", None),
]


@pytest.mark.parametrize("field", ["grid", "sigma"])
@pytest.mark.parametrize("kind", ["rounded", "discrete"])
@pytest.mark.parametrize(("name", "value"), GRIDS, ids=[name for name, _ in GRIDS])
def test_a_forged_grid_or_scale_is_refused_in_clear_lines(
    kind: str,
    field: str,
    name: str,
    value: Any,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from certify.certificates.canonical import canonical
    from certify.certificates.envelope import Envelope

    statement = statement_of(request.getfixturevalue(kind))
    statement["predicate"]["mechanism"][field] = value
    for node in statement["predicate"]["derivation"]:
        if node["id"] == field and isinstance(value, dict):
            node["number"] = value
    try:
        forged = seal(statement)
    except ValueError:
        try:
            forged = Certificate(Envelope(canonical(statement)))
        except ValueError:
            return  # a number that is no text has no canonical form at all
    place = tmp_path / "certificate.json"
    place.write_bytes(forged.to_json())
    assert main(["verify", str(place), "--json"]) == 1
    shown = capsys.readouterr()
    checks = [check for check in json.loads(shown.out)["checks"] if check["status"] == "failed"]
    assert checks and shown.err == ""
    for check in checks:
        assert "Traceback" not in check["detail"] and "\n" not in check["detail"] and "Error" not in check["detail"], check


def test_a_model_off_its_grid_is_refused_without_records_or_witness(rounded: Run, discrete: Run, tmp_path: Path) -> None:
    for name, run in (("rounded", rounded), ("discrete", discrete)):
        assert run.noise is not None
        moved = run.model.clone()
        moved[1] = torch.nextafter(moved[1], moved[1] + 1)
        folder = dataclasses.replace(run, model=moved).save(tmp_path / name)
        shutil.rmtree(folder / "secret")
        assert failing(verify(folder)) == {"artefacts.grid"}
        honest = run.save(tmp_path / f"honest-{name}")
        shutil.rmtree(honest / "secret")
        assert verify(honest).holds


def test_on_a_grid_means_every_bit() -> None:
    whole = np.array([0.0, 0.25, -7.5, 2.0**50])
    assert on_grid(whole, 0.25) and same_bits(whole, whole.copy())
    for entry in (0.1, 0.25 + 2.0**-54, -0.0, 2.0**60, 5e-324):
        assert not on_grid(np.append(whole, entry), 0.25)
    assert on_grid(np.zeros(1), 2.0**900) and not on_grid(
        np.array([5e-324]), 2.0**900
    )  # the quotient is nought, the number is not
    signed = whole.copy()
    signed[0] = -0.0
    assert np.array_equal(whole, signed) and not same_bits(whole, signed)


# ---------------------------------------------------------------- at the command line


def test_the_command_takes_a_sampler(data: Data, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_table(tmp_path / "d.csv", data[0], data[1].astype(str), label="y")
    arguments = ["--data", f"{tmp_path}/d.csv", "--label", "y", "--forget", "3,17", "--model", "logistic", "--l2", "0.1"]
    arguments += ["--epsilon", "1", "--delta", "1e-5"]
    assert main(["unlearn", *arguments, "--sampler", "discrete", "--out", f"{tmp_path}/run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sampler"] == "discrete"
    assert main(["verify", f"{tmp_path}/run", "--data", f"{tmp_path}/d.csv"]) == 0
    for sampler in ("ideal", "box-muller"):
        capsys.readouterr()
        assert main(["unlearn", *arguments, "--sampler", sampler, "--out", f"{tmp_path}/{sampler}"]) == 2
        assert not (tmp_path / sampler).exists()
