from .api import Model as Model
from .api import Stream as Stream
from .api import Verdict as Verdict
from .api import Window as Window
from .api import load as load
from .errors import AudioError as AudioError
from .errors import BundleError as BundleError
from .errors import DeviceBusyError as DeviceBusyError
from .errors import DeviceChoiceError as DeviceChoiceError
from .errors import DeviceError as DeviceError
from .errors import GenreEdgeError as GenreEdgeError
from .errors import ModelError as ModelError
from .errors import RuntimeMissing as RuntimeMissing
from .errors import UsageError as UsageError
from .version import __version__ as __version__

__all__ = [
    "AudioError",
    "BundleError",
    "DeviceBusyError",
    "DeviceChoiceError",
    "DeviceError",
    "GenreEdgeError",
    "Model",
    "ModelError",
    "RuntimeMissing",
    "Stream",
    "UsageError",
    "Verdict",
    "Window",
    "__version__",
    "load",
]
