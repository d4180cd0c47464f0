"""How far clocks may differ."""

from datetime import timedelta

CLOCK_SKEW = timedelta(hours=1)
"""The largest tolerated difference between the clocks of machines that sign and that verify certificates."""
