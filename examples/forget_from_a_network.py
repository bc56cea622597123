"""A network forgets five records, and how far it then is from where fine-tuning without them settles is proved.

A tanh network is fine-tuned on digits with the penalty (l2/2)|w - w0|² about its start, which knew none of these images. For a network no
theorem promises one optimum. But over a small ball about the fitted parameters the Hessian can be enclosed: the objective is strongly
convex *there*, exactly one stationary point lies in the ball, and the gradient says how near. What follows from it has a premise, which
is printed: the retrained model is defined as that point.
"""

import torch
from sklearn.datasets import load_digits
from torch import nn

import certify
from certify.bounds import stationary_point

L2, RADIUS, BUDGET = 0.1, 0.007, 1e-5
FORGOTTEN = [3, 141, 59, 265, 358]


def digits():
    """The images in an order of their own: 600 for the start, 700 to fine-tune, 497 to look at afterwards."""
    table = load_digits()
    order = torch.randperm(len(table.target), generator=torch.Generator().manual_seed(0))
    inputs, targets = torch.tensor(table.data / 16.0)[order], torch.tensor(table.target)[order]
    return [(inputs[part], targets[part]) for part in (slice(0, 600), slice(600, 1300), slice(1300, None))]


def fit(model, data, l2, anchor, steps):
    """Moves the model to a minimum of mean cross-entropy + (l2/2)|w - anchor|²."""
    optimiser = torch.optim.LBFGS(
        model.parameters(),
        max_iter=steps,
        history_size=30,
        line_search_fn="strong_wolfe",
        tolerance_grad=1e-11,
        tolerance_change=1e-15,
    )

    def objective():
        optimiser.zero_grad()
        pull = sum(((now - anchor[name]) ** 2).sum() for name, now in model.named_parameters())
        value = nn.functional.cross_entropy(model(data[0]), data[1]) + l2 / 2 * pull
        value.backward()
        return value

    optimiser.step(objective)
    return model


def network(state=None):
    model = nn.Sequential(nn.Linear(64, 16), nn.Tanh(), nn.Linear(16, 10)).double()
    if state is not None:
        model.load_state_dict(state)
    return model


def copied(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def apart(one, other):
    return float(torch.cat([(one[name] - other[name]).flatten() for name in one]).norm())


def main():
    public, private, test = digits()
    torch.manual_seed(0)
    blank = network()
    start = copied(fit(blank, public, 1e-2, {name: 0.0 for name, _ in blank.named_parameters()}, 600))
    fitted = copied(fit(network(start), private, L2, start, 600))

    keep = torch.ones(len(private[1]), dtype=torch.bool)
    keep[FORGOTTEN] = False
    retained = private[0][keep], private[1][keep]

    updated = fit(network(fitted), retained, L2, start, 40)  # a few steps from where it was
    stale = stationary_point(network(fitted), nn.CrossEntropyLoss(), retained, radius=RADIUS, l2=L2, anchor=start)
    point = stationary_point(updated, nn.CrossEntropyLoss(), retained, radius=RADIUS, l2=L2, anchor=start)
    assert point.unique and point.distance.value <= BUDGET, "nothing may be released: the distance exceeds the budget"

    again = copied(fit(network(start), retained, L2, start, 600))  # what retraining really gives
    sigma = certify.noise(epsilon=1, delta="1e-5", sensitivity=str(BUDGET)).sigma.value
    released = {name: value + sigma * torch.randn_like(value) for name, value in updated.state_dict().items()}
    accuracy = float((network(released)(test[0]).argmax(1) == test[1]).double().mean())

    print(f"strong convexity on the ball   >= {point.strong_convexity.value:.3f}   radius {RADIUS}, proved")
    print(f"one stationary point in it, at <= {point.distance.value:.1e}   proved")
    print(f"really retrained, at              {apart(copied(updated), again):.1e}   a run of the same optimiser from the start")
    print(
        f"the model that forgot nothing     {apart(fitted, again):.1e}   {'proved to be near' if stale.unique else 'nothing is proved of it'}"
    )
    print(f"noise for (1, 1e-5)               {sigma:.2e}   for the budget {BUDGET}, chosen before")
    print(f"accuracy after noise              {accuracy:.1%}   (torch's generator: to release for real, use certify.sampling)")
    print(f"premise: the retrained model is {point.comparator}")


if __name__ == "__main__":
    main()
