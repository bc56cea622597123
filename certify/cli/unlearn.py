"""``certify unlearn``: from a table and a list of ids to a certified run folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from certify.errors import InputError

from .folders import refuse_occupied, refuse_unwritable
from .options import MaybeNumber
from .output import ExitCode, counted, emit, labelled, schema
from .progress import progress

if TYPE_CHECKING:
    from certify.objectives import LinearObjective
    from certify.runs import Run
    from certify.tables import Table

Model = Literal["logistic", "softmax", "ridge"]
Method = Literal["newton", "exact", "retrain"]
Sampler = Literal["rounded-normal", "discrete"]


def unlearn(
    *,
    data: Path,
    forget: str,
    out: Path,
    label: str | None = None,
    model: Model | None = None,
    l2: float | None = None,
    continue_: Annotated[Path | None, Parameter(name="--continue")] = None,
    epsilon: MaybeNumber = None,
    delta: MaybeNumber = None,
    method: Method = "newton",
    sampler: Sampler | None = None,
    id_column: str | None = None,
    scale: Path | None = None,
    normalise_rows: bool = False,
    intercept: bool = False,
    distance_budget: MaybeNumber = None,
    row_bound: float = 1.0,
    label_bound: float = 1.0,
    sign: Path | None = None,
    seed: Annotated[str | None, Parameter(show=False)] = None,
    json: bool = False,
) -> int:
    """Train on a table (or continue from a run), delete records, add noise, and write a certified run folder.

    The folder holds what is released (model.safetensors, certificate.json, manifest.json) and, apart from it in
    secret/, the witness that only you keep.

    Parameters
    ----------
    data
        A CSV file with a header line; every column but the label and the id column is a feature.
    forget
        The ids to forget: a file with one a line, or 3,17. Row positions from 0, unless --id-column is given.
    out
        The run folder to write; it must not hold anything yet.
    label
        The column that holds the label.
    model
        The objective: mean loss plus (l2/2)·‖parameters‖².
    l2
        The weight decay; it is the strong convexity that every bound divides by.
    continue_
        The run folder of the last deletion, with its secret/, instead of training: --data then holds all records or
        those left, and label, model, l2 and the preparation of the table are those of that run.
    epsilon
        The guarantee's epsilon, an exact decimal; --method exact needs none.
    delta
        The guarantee's delta, an exact decimal; --method exact needs none.
    method
        newton: warm-started steps, then noise. retrain: from scratch, then noise. exact: ridge without noise.
    sampler
        rounded-normal, the default: exact Gaussian noise, rounded once. discrete: discrete Gaussian noise on rounded parameters.
    id_column
        The column that names the records.
    scale
        A file of public divisors, one a feature: lines "column,divisor", or a JSON object.
    normalise_rows
        Divide every row by its own Euclidean norm.
    intercept
        Add a constant column, regularised like the others.
    distance_budget
        How far from the retrained optimum the noise covers; chosen before looking at the data.
    row_bound
        A public scale of the rows' norms, for the default distance budget only.
    label_bound
        A public scale of the labels (ridge), for the default distance budget only.
    sign
        A private key of `certify keygen` to sign the certificate with.
    json
        Print JSON alone on standard output.
    """
    if seed is not None:
        raise InputError(
            "unlearn takes no --seed: noise that somebody can reproduce protects nobody; it comes from the operating system"
        )
    refuse_occupied(out)
    refuse_unwritable(out)
    if sign is not None:
        from certify.keys import load_private

        load_private(sign)  # complain now, not after the work
    from certify.tables import read_table

    from .starting import begun, continued

    if method == "exact" and model not in ("ridge", None):
        raise InputError(f"method exact is for ridge regression, not {model}: use --method newton")
    with progress() as shown:
        shown.stage(f"reading {data}")
        if continue_ is not None:
            given = {"label": label, "model": model, "l2": l2, "id-column": id_column, "scale": scale}
            _refuse_surplus({**given, "normalise-rows": normalise_rows or None, "intercept": intercept or None})
            start = continued(continue_, data, forget)
        elif label is None or model is None or l2 is None:
            raise InputError("say what to train: --label, --model and --l2 (or --continue and the folder of a run)")
        else:
            table = read_table(data, label=label, id_column=id_column, scale=scale, normalise_rows=normalise_rows)
            start = begun(table, forget, _objective(table, model, l2, intercept))
        numbers = (epsilon, delta) != (None, None)
        if numbers or (method != "exact" and not start.settled):
            _refuse_impossible_noise(start.retained, epsilon, delta, distance_budget, row_bound, label_bound, sampler)

        from certify.unlearning import unlearn as delete

        shown.stage(start.stage)
        source = start.state(lambda step, residual: shown.advance(f"step {step}, gradient {residual:.1e}"))
        positions = start.positions
        shown.stage(f"forgetting {counted(len(positions), 'record')}")
        run = delete(
            source,
            positions,
            epsilon=epsilon,
            delta=delta,
            method=method,
            distance_budget=distance_budget,
            row_bound=row_bound,
            label_bound=label_bound,
            sampler=sampler,
            table=start.preparation,
        )
        shown.stage(f"writing {out}")
        run.save(out, sign=sign)
    payload = _summary(run, out)
    emit(payload, json, lambda: _sheet(payload))
    return int(ExitCode.HOLDS)


def _refuse_surplus(given: Mapping[str, object]) -> None:
    if surplus := [name for name, value in given.items() if value is not None]:
        raise InputError(f"--{surplus[0]} is that of the run that is continued: leave it out")


def _refuse_impossible_noise(
    retained: LinearObjective,
    epsilon: str | None,
    delta: str | None,
    budget: str | None,
    row_bound: float,
    label_bound: float,
    sampler: Sampler | None,
) -> None:
    """Complain about epsilon, delta and the budget before the work, not after it."""
    from certify.policy import noise_scale

    if epsilon is None or delta is None:
        raise InputError("say which guarantee is wanted: --epsilon and --delta, for instance --epsilon 1 --delta 1e-5")
    bounds = {"row_bound": row_bound, "label_bound": label_bound}
    noise = noise_scale(retained.kind, retained.l2, retained.count, epsilon, delta, distance_budget=budget, **bounds)
    if sampler == "discrete":
        from certify.mechanisms.grid_noise import grid_noise

        grid_noise(noise.sensitivity, retained.dimension, epsilon, delta)


def _objective(table: Table, model: Model, l2: float, intercept: bool) -> LinearObjective:
    from certify.objectives import objective_class

    return objective_class(model)(table.features, table.labels, l2=l2, intercept=intercept)


def _summary(run: Run, out: Path) -> dict[str, Any]:
    guarantee = run.guarantee
    return {
        "schema": schema("unlearn"),
        "out": str(out),
        "method": run.method,
        "objective": run.objective.kind,
        "retained": run.objective.count,
        "forgotten": len(run.forget),
        "guarantee": {
            "notion": guarantee.notion.value,
            "epsilon": repr(guarantee.epsilon.value),
            "delta": repr(guarantee.delta.value),
            "in_words": guarantee.in_words(),
        },
        "sampler": "none" if run.noise is None else run.sampler,
        "sigma": None if run.noise is None else repr(run.noise.sigma.value),
        "distance_budget": None if run.noise is None else repr(run.distance_budget.value),
        "exclusions": list(guarantee.exclusions),
    }


def _sheet(payload: dict[str, Any]) -> str:
    guarantee = payload["guarantee"]
    noise = (
        "none: the released model is the exact one"
        if payload["sigma"] is None
        else f"sigma {float(payload['sigma']):.6g} a coordinate, sampler {payload['sampler']}"
    )
    budget = payload["distance_budget"]
    rows = [
        ("forgot", f"{payload['forgotten']} of {payload['forgotten'] + payload['retained']} records"),
        ("by", f"{payload['objective']}, method {payload['method']}"),
        ("guarantee", guarantee["in_words"]),
        ("noise", noise),
        *([("covers", f"a distance of {float(budget):.3g} to the retrained optimum")] if budget else []),
        ("measured", "within that distance (the number is a function of the deleted records: it stays in the witness)"),
        *(("not said", exclusion) for exclusion in payload["exclusions"]),
        ("released", f"{Path(payload['out']) / 'certificate.json'}, model.safetensors"),
        ("secret", f"{Path(payload['out']) / 'secret'} (never hand it on)"),
    ]
    return labelled(rows)
