def silent_few(invited: int, responded: int) -> bool:
    """Whether so few are silent that the two counts together would name them."""
    return invited - responded in (1, 2)
