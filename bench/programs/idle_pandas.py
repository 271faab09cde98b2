"""The same in sandboxes that hold pandas."""

import pandas  # noqa: F401
from idle import main  # noqa: F401
