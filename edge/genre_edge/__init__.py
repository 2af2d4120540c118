"""Music genre recognition at the edge.

Importing this package is cheap on purpose: numpy, the interpreter, soundfile and
everything else heavy are imported by the modules that use them.
"""

from .version import __version__

__all__ = ["__version__"]
