"""What a frame means: index, frequency, columns and roles, and every refusal of user data.

A message says what is wrong, where (column and first stamps), what was got, what was expected, and the fix.
"""

from .columns import as_frame, check_length, column_names, read_values
from .index import check_continues, check_history, continue_index, frequency_of, season_length

__all__ = [
    "as_frame",
    "check_continues",
    "check_history",
    "check_length",
    "column_names",
    "continue_index",
    "frequency_of",
    "read_values",
    "season_length",
]
