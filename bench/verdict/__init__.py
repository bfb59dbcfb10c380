"""The verdict: the blog's question answered from records, a page and its short form.

Pure functions from records to sentences. `contest` holds what may be compared, one module per
question finds its answer, `page` and `short` put them together. Nothing here is written by hand,
and what no record says is said to be not measured.
"""

from bench.verdict.contest import Contest, contests
from bench.verdict.page import page
from bench.verdict.short import put, short

__all__ = ["Contest", "contests", "page", "put", "short"]
