"""Job 2: how much noise does (epsilon, delta) take, and does a published claim hold?"""

import certify

# Any three of epsilon, delta, sigma, sensitivity give the fourth; text is an exact decimal.
needed = certify.noise(epsilon=1, delta="1e-5", sensitivity="0.02")
print("sigma:", needed.sigma.value, " proved: delta is at most", needed.delta_upper)
print("what sigma = 0.1 gives: epsilon =", certify.noise(sigma="0.1", delta="1e-5", sensitivity="0.02").epsilon.value)

# The sigma that textbooks print for epsilon = 1, delta = 1e-5, sensitivity 1 is too small in its last digit.
printed = certify.noise(sigma="3.7306", delta="1e-5", sensitivity=1)
print("sigma = 3.7306 gives epsilon =", printed.epsilon.value)
assert printed.epsilon.value > 1

# A published claim: one Newton step, then noise 0.01. Does it give (1, 1e-5)?
claim = certify.claim(
    "newton.one-step",
    n=10_000, m=10, lipschitz=1, hessian_lipschitz="0.0963", strong_convexity="0.01",
    sigma="0.01", epsilon=1, delta="1e-5",
)  # fmt: skip
print(
    claim.theorem, "holds:", claim.holds, " true epsilon:", claim.epsilon_true.value, " sigma needed:", claim.sigma_required.value
)
