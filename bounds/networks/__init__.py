"""Lipschitz constants of networks: of layers, of layers together, on boxes; each proved, beside what a search attains."""
