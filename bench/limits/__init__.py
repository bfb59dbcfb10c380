"""What this machine can do at most, measured once and stored, and how near a backend comes to it.

`roofline` and `readings` are pure; `survey` loads Numba. docs/limits.md says what is measured.
"""
