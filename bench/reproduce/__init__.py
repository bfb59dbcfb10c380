"""Numbers that others published, reproduced: each a declared experiment with a verdict.

An experiment is data (`experiment`, `rosenthal`, `tables`); `run` carries one out and returns an
`outcome`, which alone the tables and figures read. What our backends can't be set to do stands in
`variants`, marked as such, and is never offered to a race.
"""
