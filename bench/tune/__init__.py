"""Equal tuning: the same trials in the same space for every backend of a family, scored on ratings
held out of the training part. docs/tuning.md says what is fair about it.
"""
