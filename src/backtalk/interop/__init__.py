"""Networks to and from the outside: files."""

from .files import load, save

__all__ = ["load", "save"]
