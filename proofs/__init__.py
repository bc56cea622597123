"""Floor 1: the mathematics. Theorems as data, the exact checker, the book of proofs."""
