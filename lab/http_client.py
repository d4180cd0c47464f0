"""httpx without its command line, which half the plugins' time to import httpx goes to; no run of Pulumi uses it."""

import sys
from typing import Any, cast

# None says that there is no such module, which httpx does without: https://docs.python.org/3/library/sys.html#sys.modules
cast("dict[str, Any]", sys.modules).setdefault("httpx._main", None)

import httpx  # noqa: E402

__all__ = ["httpx"]
