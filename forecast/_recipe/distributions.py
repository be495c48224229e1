"""A recipe for a distribution: one network, whose loss is the distribution's likelihood.

Linear and naive members have no distribution, and a mean of distributions is of another family. So the networks alone
are judged, by the CRPS of their quantiles, and the best one is the forecast.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

from .._distributions import FAMILIES
from .._refusals import Refusal, argument

if TYPE_CHECKING:
    from .._preparation import Settings
    from .choice import Wishes

__all__ = ["in_own_units", "networks_alone"]


def in_own_units(wishes: Wishes) -> Wishes:
    """The choice for counts and positive numbers: no transform and no norm, which would change their units.

    Parameters
    ----------
    wishes : Wishes

    Returns
    -------
    Wishes
    """
    if wishes.loss not in FAMILIES or FAMILIES[wishes.loss].target == "real":
        return wishes
    chosen: dict[str, Any] = {name: None for name in ("transform", "window_norm") if getattr(wishes, name) == "auto"}
    return replace(wishes, **chosen)


def networks_alone(networks: dict[str, Settings], wishes: Wishes) -> dict[str, Settings]:
    """The networks, as members of a recipe of a distribution.

    Parameters
    ----------
    networks : dict of str to Settings
    wishes : Wishes

    Returns
    -------
    dict of str to Settings

    Raises
    ------
    ValueError
        There are none: too few rows, or too little time.
    """
    if not networks:
        refuse_no_network(wishes)
    if FAMILIES[wishes.loss].target == "real":
        return networks
    found = {}
    for name, one in networks.items():
        arguments = one.regressor.get_params() | {"skip": None, "skip_penalty": 1e-3}  # no line: it goes below 0
        found[name] = replace(one, regressor=type(one.regressor)(**arguments))
    return found


def refuse_no_network(wishes: Wishes) -> NoReturn:
    """Refuse rows, or seconds, that are too few for a network, whose loss alone is wished for.

    Parameters
    ----------
    wishes : Wishes
    """
    raise ValueError(
        Refusal(
            f"loss={wishes.loss!r} is that of a network, and there are too few rows, or too few seconds, to train "
            "and judge one",
            expected="more rows",
            advice="Without them, forecast quantiles of linear and naive members.",
            fix=argument("loss", "quantile"),
        )
    )
