"""The theorems, one family a file. Each file exports ``THEOREMS``."""
