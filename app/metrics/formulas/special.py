"""Functions of `scipy.special`, loaded with the first call: whoever serves what was computed needs none."""

from collections.abc import Callable
from functools import cache
from typing import Any


def _on_demand(name: str) -> Callable[..., Any]:
    @cache
    def loaded() -> Callable[..., Any]:
        from scipy import special  # noqa: PLC0415 a third of what a start would take

        return getattr(special, name)  # type: ignore[no-any-return]

    def call(*arguments: Any) -> Any:
        return loaded()(*arguments)

    return call


betainc = _on_demand("betainc")
chdtrc = _on_demand("chdtrc")
chdtri = _on_demand("chdtri")
fdtrc = _on_demand("fdtrc")
fdtri = _on_demand("fdtri")
gammaln = _on_demand("gammaln")
ive = _on_demand("ive")
ndtr = _on_demand("ndtr")
ndtri = _on_demand("ndtri")
owens_t = _on_demand("owens_t")
stdtr = _on_demand("stdtr")
stdtrit = _on_demand("stdtrit")
