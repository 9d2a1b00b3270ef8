"""What can go wrong with a local control plane."""


class PlaneError(Exception):
    """The control plane does not come up or does not do what was asked; the message says why."""
