"""The meaning of "auto": every setting that was not passed is chosen from the training rows.

`choose` is the whole of it. `seasons` and `calendar` look at the rows; `search` tunes the linear model; `networks` says
which networks are worth training; `validation` which rows judge them; `parts` trains members before these rows and asks
for forecasts of them; `weights` how much each member counts.
"""

from .choice import Choice, Wishes, choose
from .validation import validation_ends

__all__ = ["Choice", "Wishes", "choose", "validation_ends"]
