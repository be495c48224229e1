"""The meaning of a frame: index, frequency, columns and roles, and every refusal of user data.

A message says what is wrong, where (column and first stamps), what was got, what was expected, and the fix.
"""

from .answer import answer, answer_rows, future_frame, with_static
from .axis import TimeAxis
from .columns import as_frame, check_length, column_names, read_values
from .ends import Ends
from .fixes import frame_named, named_in_fixes
from .future import Future, read_future
from .glued import naming, refuse_several
from .index import frequency_of, season_length
from .interchange import FOREIGN, enter, leave, one_column
from .irregular import steps_since_epoch
from .names import blocks_of, refuse_retyped
from .panel import Panel, read_panel, read_static
from .roles import Layout, Roles, time_labels
from .rules import Rules
from .schema import Encoding, Schema
from .sentinels import SentinelWarning, note_later_sentinels, note_sentinels, placed
from .stamps import as_stamps
from .static import StaticTable
from .steps import step_numbers
from .time_column import TimeColumnWarning, note_time, only_counts, time_columns

__all__ = [
    "FOREIGN",
    "Encoding",
    "Ends",
    "Future",
    "Layout",
    "Panel",
    "Roles",
    "Rules",
    "Schema",
    "SentinelWarning",
    "StaticTable",
    "TimeAxis",
    "TimeColumnWarning",
    "answer",
    "answer_rows",
    "as_frame",
    "as_stamps",
    "blocks_of",
    "check_length",
    "column_names",
    "enter",
    "frame_named",
    "frequency_of",
    "future_frame",
    "leave",
    "named_in_fixes",
    "naming",
    "note_later_sentinels",
    "note_sentinels",
    "note_time",
    "one_column",
    "only_counts",
    "placed",
    "read_future",
    "read_panel",
    "read_static",
    "read_values",
    "refuse_retyped",
    "refuse_several",
    "season_length",
    "step_numbers",
    "steps_since_epoch",
    "time_columns",
    "time_labels",
    "with_static",
]
