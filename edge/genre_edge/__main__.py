"""python -m genre_edge"""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
