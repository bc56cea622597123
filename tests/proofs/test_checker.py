"""The standalone checker accepts true books and refuses false ones, each for the right reason."""

from __future__ import annotations

import time
from typing import Any

import pytest
from books import fact, minus, number, sealed, step, symbol, toy, verdicts

from certify.proofs import checker

X, T = symbol("x"), symbol("t")


def refused(entries: dict[str, Any], reason: str, name: str = "toy") -> None:
    verdict, why = verdicts(entries)[name]
    assert verdict == "failed", f"accepted: {name}"
    assert reason in why, why


def test_the_toy_book_is_accepted() -> None:
    assert verdicts(toy()) == {"law": ("foundation", ""), "toy": ("proved", "")}


# ---------------------------------------------------------------- the rule (C2, C3, C7, C9)


def test_a_strict_goal_needs_a_strictly_positive_term() -> None:
    """C2: x² > 0 does not follow from q = x."""
    square = step([["1", X, []]], name="square", kind=">0", slack=["power", X, "2"])
    refused(toy(steps=[square, *toy()["toy"]["proof"]["steps"]]), "strictly positive term")
    weak = step([["1", X, []]], name="square", kind=">=0", slack=["power", X, "2"])
    assert verdicts(toy(steps=[weak, *toy()["toy"]["proof"]["steps"]]))["toy"][0] == "proved"
    above = step([["1", number(1), []], ["1", X, []]], name="square", kind=">0", slack=["sum", ["power", X, "2"], number(1)])
    assert verdicts(toy(steps=[above, *toy()["toy"]["proof"]["steps"]]))["toy"][0] == "proved"


def test_a_root_of_zero_is_no_strict_term() -> None:
    nothing = step([["1", number(0), []]], name="nothing", kind=">0", slack=number(0))
    refused(toy(steps=[nothing, *toy()["toy"]["proof"]["steps"]]), "strictly positive term")


def test_contradictory_facts_have_no_witness() -> None:
    """C3: x > 0 and -x >= 0 prove -1 >= 0."""
    facts = [fact("up", ">0", X), fact("down", ">=0", ["product", number(-1), X])]
    absurd = step(
        [["1", number(1), ["down"]], ["1", number(1), []]], factor=[], name="absurd", kind=">=0", slack=minus(number(1), X)
    )
    for witness in ("0", "1", "-1"):
        refused(toy(facts=facts, steps=[absurd], witness={"x": witness, "t": "1"}), "the witness violates")


@pytest.mark.parametrize(
    ("small", "terms", "values"),
    [
        (minus(number("1/2"), ["exp", X]), [["exp", X]], ["1/4"]),  # exp(x) <= 1/2 for a positive x
        (minus(["exp", X], ["exp", ["sum", X, X]]), [["exp", X], ["exp", ["sum", X, X]]], ["3", "2"]),  # exp(2 x) <= exp(x)
        (minus(["exp", ["power", X, "2"]], ["sum", ["exp", X], number(1)]), [["exp", X], ["exp", ["power", X, "2"]]], ["2", "3"]),
        (
            ["log", ["quotient", number(1), ["sum", number(1), X]]],
            [["log", ["quotient", number(1), ["sum", number(1), X]]]],
            ["0"],
        ),
        (
            minus(["normal-cdf", minus(number(0), X)], number("1/2")),
            [["normal-cdf", minus(number(0), X)]],
            ["2/3"],
        ),  # Phi(-x) >= 1/2
    ],
)
def test_facts_that_no_increasing_function_meets_have_no_witness(small: Any, terms: list[Any], values: list[str]) -> None:
    names = "EF"[: len(terms)]
    facts = [fact("small", ">=0", small), fact("below", ">=0", minus(X, T))]
    book = toy(
        facts=facts, terms=[list(pair) for pair in zip(names, terms, strict=True)],
        witness={"x": "1", "t": "1", **dict(zip(names, values, strict=True))},
    )  # fmt: skip
    refused(book, f"the witness gives {terms[0][0]} values that do not increase")


def test_a_witness_is_complete_and_exact() -> None:
    refused(toy(witness={"x": "1"}), "a value to every variable")
    refused(toy(witness={"x": "1", "t": "1", "z": "0"}), "to nothing else")
    refused(toy(witness={"x": "1", "t": "2"}), "the witness violates below")
    refused(toy(witness={"x": "1", "t": "0.5"}), "integer or a fraction")


def test_a_side_condition_is_no_equation() -> None:
    """x = 1 at the bound x says nothing of the true value: t = 2 - x <= 1 was proved, and is 3/2 at x = 1/2."""
    condition = {"kind": "==0", "slack": minus(number(1), X), "words": "x is one"}
    facts = [fact("sum", "==0", minus(minus(number(2), X), T))]
    conclusion = step(equations=[[number(1), "sum"], [number(-1), "condition:0"]])
    refused(
        toy(formula=number(1), side_conditions=[condition], facts=facts, steps=[conclusion]), "a side condition is an inequality"
    )


def test_no_fact_is_displayed_and_ignored() -> None:
    """Of two facts of one name, the second was shown and never used."""
    facts = [fact("below", ">=0", minus(X, T)), fact("below", ">=0", ["exp", X])]
    refused(toy(facts=facts, terms=[["E", ["exp", X]]], witness={"x": "1", "t": "1", "E": "2"}), "a fact is named twice")


@pytest.mark.parametrize("kind", ["<=0", "!=0", "<0", "=", "", None, 0])
def test_only_three_relations_exist(kind: Any) -> None:
    """C7: a relation of another name was read as >= 0."""
    refused(toy(facts=[fact("below", kind, minus(X, T))]), "is not a relation")


def test_multipliers_are_positive() -> None:
    refused(toy(steps=[step([["-1", number(1), ["below"]]])]), "multiplier must be positive")
    refused(toy(steps=[step([["0", number(1), ["below"]]])]), "multiplier must be positive")


def test_an_equation_is_no_inequality_and_the_other_way_round() -> None:
    facts = [fact("below", ">=0", minus(X, T)), fact("equal", "==0", minus(X, T))]
    refused(toy(facts=facts, steps=[step([["1", number(1), ["equal"]]])]), "equation was used as an inequality")
    refused(toy(facts=facts, steps=[step(equations=[[number(1), "below"]])]), "inequality was used as an equation")
    assert verdicts(toy(facts=facts, steps=[step(equations=[[number(1), "equal"]])]))["toy"][0] == "proved"


def test_a_factor_is_strict() -> None:
    facts = [fact("below", ">=0", minus(X, T)), fact("weak", ">=0", X)]
    refused(toy(facts=facts, steps=[step([["1", number(1), ["below", "weak"]]], factor=["weak"])]), "strictly positive")


def test_an_equation_follows_from_equations_only() -> None:
    lemma = step([["1", number(1), ["below"]]], name="equal", kind="==0", slack=minus(X, T))
    refused(toy(steps=[lemma, *toy()["toy"]["proof"]["steps"]]), "from equations only")


def test_an_identity_that_does_not_hold_is_refused() -> None:
    refused(toy(steps=[step([["2", number(1), ["below"]]])]), "does not balance")


# ---------------------------------------------------------------- the form of terms (C4, C5, C6, C8, C11)


@pytest.mark.parametrize("exponent", ["1/2", "-1", "0.5", "1e1", "٢", "65", "00", "01", "", 2, None, True])
def test_exponents_are_small_nonnegative_integers(exponent: Any) -> None:
    """C4 and C5: x^(1/2) proved x >= 0 for every x, and x^(-1) proved -1 >= 0."""
    refused(toy(steps=[step([["1", ["power", X, exponent], ["below"]]])]), "exponent is an integer")


@pytest.mark.parametrize(
    "node",
    [["sum", X], ["sum", X, X, X], ["symbol"], ["symbol", "x", "y"], ["power", X], [], "x", None, ["minus", X, X], ["imaginary"]],
)
def test_terms_are_well_formed(node: Any) -> None:
    """C6: arguments that are missing or surplus were cut off; C11: i x is no real term."""
    verdict, why = verdicts(toy(steps=[step([["1", node, ["below"]]])]))["toy"]
    assert verdict == "failed"
    assert "malformed" in why or "not an expression" in why


@pytest.mark.parametrize(
    "value", ["0.1", "1e3", "1/0", "i", "nan", "inf", "", " 1", "1 ", "0x1", "+1", "1/-2", 1, 0.5, None, "١"]
)
def test_numbers_are_rational_strings(value: Any) -> None:
    refused(toy(steps=[step([["1", ["rational", value], ["below"]]])]), "integer or a fraction")


def test_a_root_of_an_unknown_sign_is_no_term() -> None:
    """C11: q = sqrt(x) with x of any sign."""
    root = ["sqrt", T]
    refused(toy(terms=[["root", root]], steps=[step([["1", root, ["below"]]])]), "radicand")
    refused(toy(steps=[step([["1", ["sqrt", X], ["below"]]])]), "not declared")


def test_a_denominator_must_be_positive() -> None:
    quotient = ["quotient", X, T]
    refused(toy(formula=["quotient", X, X]), "denominator")
    refused(toy(facts=[fact("below", ">=0", quotient)]), "denominator")


def test_a_multiplier_has_no_denominator() -> None:
    hypotheses = [{"symbol": "x", "meaning": "a number", "side": "upper", "domain": "positive", "unit": "1"}]
    refused(
        toy(hypotheses=hypotheses, steps=[step([["1", ["quotient", number(1), X], ["below"]]])]),
        "multiplier must be a polynomial",
    )


def test_huge_terms_are_refused_quickly() -> None:
    tower = X
    for _ in range(5):
        tower = ["power", ["sum", tower, number(1)], "64"]
    start = time.perf_counter()
    verdict, why = verdicts(toy(steps=[step([["1", tower, ["below"]]])]))["toy"]
    assert (verdict, "too large" in why) == ("failed", True)
    assert time.perf_counter() - start < 2


def test_names_are_unique() -> None:
    """C8: of two things with one name the last won."""
    twice = [fact("below", ">=0", minus(X, T)), fact("below", ">=0", T)]
    refused(toy(facts=twice), "named twice")
    refused(toy(variables=[["t", "one"], ["t", "two"]]), "declared twice")
    refused(toy(variables=[["t", "one"], ["x", "two"]]), "declared twice")


def test_duplicate_keys_and_floats_are_refused() -> None:
    """C8 and C9: in JSON the last of two keys wins, and a float is no exact number."""
    with pytest.raises(checker.Refused, match="duplicate key"):
        checker.loads('{"a": 1, "a": 2}')
    for text in ('{"a": 0.5}', '{"a": 1e3}', '{"a": NaN}', '{"a": -Infinity}'):
        with pytest.raises(checker.Refused, match="floating-point"):
            checker.loads(text)


# ---------------------------------------------------------------- what is proved is what is shown (C9, C10, C12)


def test_the_last_step_concludes_the_displayed_formula() -> None:
    """C12: a proof of something else proves nothing."""
    lemma = step([["1", number(1), ["below"]]], name="other", kind=">=0", slack=minus(X, T))
    refused(toy(steps=[lemma]), "last step of a proof is its conclusion")
    refused(toy(steps=[]), "without steps")
    refused(toy(formula=["product", number("1/2"), X]), "does not balance")
    refused(toy(steps=toy()["toy"]["proof"]["steps"] * 2), "last step")


def test_the_target_is_an_auxiliary_variable() -> None:
    refused(toy(target="x"), "auxiliary variable")
    refused(toy(target="z"), "auxiliary variable")


def test_unknown_fields_and_rules_are_refused() -> None:
    """C9: an arbitrary rule, or a field that nobody reads."""
    refused(toy(steps=[{**toy()["toy"]["proof"]["steps"][0], "rule": "trust"}]), "exactly the fields")
    refused(toy(steps=[{"trust": "me"}]), "exactly the fields")
    entries = toy()
    entries["toy"]["axiom"] = "t <= x"
    refused(entries, "exactly the fields")


def test_facts_are_named_never_numbered() -> None:
    """C9: a negative index counted from the end."""
    for name in (-1, 0, None, "unknown", ["below"]):
        refused(toy(steps=[step([["1", number(1), [name]]])]), "no fact is called")


def test_an_empty_book_and_a_foreign_format_are_refused() -> None:
    for data in ({}, {"format": checker.FORMAT, "entries": {}}, {"format": "other", "entries": toy()}, [], None):
        with pytest.raises(checker.Refused):
            checker.check_book(data, {})


def test_what_is_not_pinned_is_refused() -> None:
    """C9: a foundation, a fact or a statement that came with the book itself."""
    data, pins = sealed(toy())
    assert checker.check_book(data, pins)["toy"][0] == "proved"
    for name in pins:
        verdict, why = checker.check_book(data, {other: pin for other, pin in pins.items() if other != name})[name]
        assert (verdict, "pinned" in why) == ("failed", True)
    stronger, _ = sealed(
        toy(formula=number(0), facts=[fact("below", ">=0", ["product", number(-1), T])], witness={"x": "1", "t": "0"})
    )
    assert checker.check_book(stronger, pins)["toy"] == ("failed", "its statement and facts are not the pinned ones")
    assert "required" in checker.check_book(data, {**pins, "missing": "0"})["missing"][1]


def test_a_fact_rests_on_a_listed_foundation() -> None:
    refused(toy(facts=[fact("below", ">=0", minus(X, T), ())]), "without a reason")
    refused(toy(facts=[fact("below", ">=0", minus(X, T), ("law", "common sense"))]), "no listed foundation")
    entries = toy(rests_on=["law", "second"])
    entries["second"] = {"kind": "foundation", "statement": "another", "source": "a textbook"}
    refused(entries, "listed but not cited")


def test_failure_spreads_to_dependents_and_cycles_fail() -> None:
    """C10: what rests on a failed entry was printed as accepted."""
    entries = toy(formula=["product", number("1/2"), X])
    citation = {"name": "cited", "cites": "toy", "target": T, "with": {"x": X}, "words": "at x"}
    entries["above"] = toy(rests_on=["toy"], facts=[], citations=[citation], steps=[step([["1", number(1), ["cited"]]])])["toy"]
    found = verdicts(entries)
    assert found["above"][0] == "failed"
    assert "toy" in found["above"][1]
    entries["toy"]["formula"] = X
    assert verdicts(entries)["above"] == ("proved", "")
    circle = {"a": {"kind": "theorem", "rests_on": ["b"]}, "b": {"kind": "theorem", "rests_on": ["a"]}}
    data = {"format": checker.FORMAT, "entries": circle}
    assert {verdict for verdict, _ in checker.check_book(data, {"a": "", "b": ""}).values()} == {"failed"}


def test_a_changed_digest_is_noticed() -> None:
    data, pins = sealed(toy())
    data["entries"]["law"]["digest"] = "0" * 64
    assert checker.check_book(data, pins)["law"] == ("failed", "the digest does not match")
    assert checker.check_book(data, pins)["toy"][0] == "failed"


# ---------------------------------------------------------------- sides and monotonicity


def both(formula: Any, side: str, conclusion: str = "upper", domain: str = "positive") -> dict[str, Any]:
    """A theorem whose proof is immediate and whose formula may move the wrong way with x."""
    entries = toy(
        hypotheses=[{"symbol": "x", "meaning": "a number", "side": side, "domain": domain, "unit": "1"}],
        conclusion={"symbol": "t", "meaning": "the quantity", "side": conclusion, "unit": "1"},
        formula=formula,
        facts=[fact("equal", "==0", T)],
    )
    return entries


@pytest.mark.parametrize(
    ("formula", "side", "conclusion"),
    [
        (X, "lower", "upper"),
        (X, "upper", "lower"),
        (["quotient", number(1), X], "upper", "upper"),
        (["product", number(-1), X], "upper", "upper"),
        (minus(number(1), X), "upper", "upper"),
        (["power", minus(X, number(1)), "2"], "upper", "upper"),
        (["power", minus(X, number(1)), "2"], "lower", "upper"),
        (["quotient", X, ["sum", X, number(1)]], "lower", "upper"),
        (minus(["power", X, "2"], X), "upper", "upper"),
    ],
)
def test_a_formula_that_moves_the_wrong_way_is_refused(formula: Any, side: str, conclusion: str) -> None:
    refused(both(formula, side, conclusion), "not known to move")


@pytest.mark.parametrize(
    ("formula", "side"),
    [
        (["power", X, "3"], "upper"),
        (["quotient", number(1), ["power", X, "2"]], "lower"),
        (["quotient", X, ["quotient", number(3), X]], "upper"),
        (minus(number(5), ["quotient", number(1), X]), "upper"),
        (["quotient", X, ["sum", X, number(1)]], "upper"),  # found by its derivative
        (["product", X, ["sum", X, number(1)]], "upper"),
    ],
)
def test_a_formula_that_moves_the_right_way_is_known_to(formula: Any, side: str) -> None:
    entry = both(formula, side)["toy"]
    scope, sides = checker.read_statement(entry)
    checker.check_monotone(entry, scope, sides)


def test_a_side_condition_must_survive_the_move_to_the_true_value() -> None:
    condition = {"kind": ">0", "slack": minus(X, number(1)), "words": "x above 1"}
    refused(toy(side_conditions=[condition]), "may fail at the true value")


def test_a_hypothesis_must_stand_on_its_side() -> None:
    wrong = fact("below", ">=0", minus(T, X), ("law", "hypothesis:x"))
    refused(toy(facts=[wrong]), "wrong side")
    elsewhere = fact("below", ">=0", T, ("law", "hypothesis:x"))
    refused(toy(facts=[elsewhere]), "does not state the hypothesis")


# ---------------------------------------------------------------- case splits, implications, congruences


def test_a_case_split_covers_every_case() -> None:
    zero = [step([["1", number(1), ["below"]]], name="unused", kind=">=0", slack=minus(X, T)), *toy()["toy"]["proof"]["steps"]]
    done = toy()["toy"]["proof"]["steps"]
    whole = {"name": "case", "split": T, "cases": {"positive": done, "zero": zero, "negative": done}}
    assert verdicts(toy(steps=[whole]))["toy"][0] == "proved"
    refused(toy(steps=[{**whole, "cases": {"positive": done, "zero": done}}]), "a case is missing")
    on_x = {"name": "case", "split": X, "cases": {"positive": done, "zero": done}}
    assert verdicts(toy(steps=[on_x]))["toy"][0] == "proved"
    refused(toy(steps=[{**on_x, "cases": {"positive": done}}]), "a case is missing")
    refused(toy(steps=[on_x, *done]), "nothing follows")


def test_a_case_is_known_only_inside_it() -> None:
    inside = step([["1", number(1), ["below"]], ["1", number(1), ["case"]]], equations=[[number(-1), "case"]])
    split = {"name": "case", "split": T, "cases": {"positive": [inside], "zero": [inside], "negative": [inside]}}
    refused(toy(steps=[split]), "used as")


def _with_enclosure(steps: list[Any]) -> dict[str, Any]:
    entries = toy(
        rests_on=["law", "lemma"],
        citations=[{"name": "lemma holds", "cites": "lemma", "target": None, "with": {"z": X}, "words": "while x <= 1"}],
        steps=steps,
    )
    entries["lemma"] = {
        "kind": "enclosure", "statement": "z (1 - z) >= 0 on [0, 1]", "box": [["z", "0", "1"]], "rests_on": [], "source": "own",
        "relation": {"kind": ">=0", "slack": ["product", symbol("z"), minus(number(1), symbol("z"))]},
    }  # fmt: skip
    return entries


def test_an_enclosure_is_used_inside_its_box_only() -> None:
    done = toy()["toy"]["proof"]["steps"]
    assert verdicts(_with_enclosure(done))["toy"] == ("enclosed", "needs python-flint to run again")
    refused(_with_enclosure([{"use": "lemma holds"}, *done]), "condition of lemma holds is not established")
    use = [{"use": "lemma holds"}, *done]
    split = {"name": "near", "split": minus(number(1), X), "cases": {"positive": use, "zero": use, "negative": done}}
    assert verdicts(_with_enclosure([split]))["toy"][0] == "enclosed"
    split["cases"]["negative"] = use
    refused(_with_enclosure([split]), "condition of lemma holds is not established")


def test_a_cited_theorem_needs_its_domain() -> None:
    citation = {"name": "cited", "cites": "toy", "target": T, "with": {"x": minus(X, number(1))}, "words": "at x - 1"}
    entries = toy()
    entries["above"] = toy(rests_on=["toy"], facts=[], citations=[citation], steps=[step([["1", number(1), ["cited"]]])])["toy"]
    refused(entries, "not in its domain", "above")


def test_equal_terms_need_equal_arguments() -> None:
    one, other = ["exp", X], ["exp", ["sum", X, T]]
    changes = {
        "terms": [["a", one], ["b", other]],
        "witness": {"x": "1", "t": "0", "a": "2", "b": "2"},
        "congruences": [{"name": "same", "left": "a", "right": "b", "step": step()}],
    }
    refused(toy(**changes), "does not balance")
    changes["facts"] = [fact("below", ">=0", minus(X, T)), fact("nil", "==0", T)]
    changes["congruences"] = [{"name": "same", "left": "a", "right": "b", "step": step(equations=[[number(-1), "nil"]])}]
    assert verdicts(toy(**changes))["toy"][0] == "proved"


def test_a_maximum_is_one_of_the_two() -> None:
    """(m - 1)(m - x) = 0 and m >= 1, m >= x: a bound above both is above m."""
    top = ["maximum", number(1), X]
    excess = minus(top, X)
    cases = {
        "positive": [  # m > x, so m = 1: (m - x)(x + 1 - m) = (m - x) x - (m - 1)(m - x)
            step([["1", number(1), ["case", "x"]]], [[number(-1), "m=left or right"], [excess, "between"]], ["case"])
        ],
        "zero": [step([["1", number(1), []]], [[number(-1), "case"], [number(1), "between"]])],
    }
    entries = toy(
        terms=[["m", top]],
        facts=[fact("between", "==0", minus(top, T))],
        formula=["sum", X, number(1)],
        steps=[{"name": "case", "split": excess, "cases": cases}],
        witness={"x": "2", "t": "2"},
    )
    assert verdicts(entries)["toy"][0] == "proved"
    entries["toy"]["formula"] = X
    assert verdicts(entries)["toy"][0] == "failed"


# ---------------------------------------------------------------- the incomplete beta function


def beta(point: Any, first: Any, second: Any) -> dict[str, Any]:
    """``t <= I(point; first, second)`` given as a fact, with x a probability and n a count of at least one."""
    node = ["incomplete-beta", point, first, second]
    return toy(
        hypotheses=[
            {"symbol": "x", "meaning": "a probability", "side": "upper", "domain": "probability", "unit": "1"},
            {"symbol": "n", "meaning": "a number", "side": "exact", "domain": "positive", "unit": "1"},
        ],
        formula=node,
        terms=[["I", node]],
        facts=[fact("below", ">=0", minus(node, T))],
        witness={"x": "1/2", "n": "1", "I": "1/2", "t": "1/2"},
    )


def test_the_incomplete_beta_function_grows_with_its_point() -> None:
    assert verdicts(beta(X, symbol("n"), number(2)))["toy"][0] == "proved"
    refused(beta(minus(number(1), X), symbol("n"), number(2)), "not known to move up")
    refused(beta(number("1/2"), X, number(2)), "not known to move up")
    assert verdicts(beta(number("1/2"), number(2), X))["toy"][0] == "proved"


def test_the_incomplete_beta_function_has_a_domain() -> None:
    refused(beta(["sum", X, X], symbol("n"), number(2)), "outside of its domain")
    refused(beta(X, number(0), number(2)), "outside of its domain")
    refused(beta(X, minus(symbol("n"), number(1)), number(2)), "outside of its domain")


def test_the_incomplete_beta_function_is_a_probability() -> None:
    entries = beta(X, symbol("n"), number(2))
    entries["toy"]["formula"] = number(1)
    entries["toy"]["proof"]["steps"] = [step([["1", number(1), ["below"]], ["1", number(1), ["1-I"]]])]
    assert verdicts(entries)["toy"][0] == "proved"
    entries["toy"]["formula"] = number("99/100")
    assert verdicts(entries)["toy"][0] == "failed"
