"""What "auto" means: how a forecaster is set up where its user does not say.

`search` tunes a linear forecaster; `bench` judges thousands of linear forecasters from one matrix of products;
`judging` says by which windows, and which of two is better.
"""

from .search import Found, search_linear

__all__ = ["Found", "search_linear"]
