"""Operators whose data are spread over processes: rows stay where they are, and each product is one all-reduce."""
