"""The one exception of the data layer."""


class DataError(Exception):
    """A data set, option, split or file that can't be had; the message is one clear sentence."""
