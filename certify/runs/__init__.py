"""The record of one deletion, in memory and as a folder: what is released, and apart from it the secret witness."""

from .folder import previous_name
from .run import Run, witness_of
from .stored import StoredRun, load
from .witness import Witness, read_witness

__all__ = ["Run", "StoredRun", "Witness", "load", "previous_name", "read_witness", "witness_of"]
