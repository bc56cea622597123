"""Records in CSV files, and the small files beside them: public divisors, ids to forget."""

from .sidefiles import read_ids, read_scale
from .table import Preprocessing, Table, normalised_rows, read_table, write_table

__all__ = ["Preprocessing", "Table", "normalised_rows", "read_ids", "read_scale", "read_table", "write_table"]
