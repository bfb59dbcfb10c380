"""What penalty, optimisers and dropout each add, in lines of code and in test RMSE, by hand and by
autograd: the blog's "easy to experiment", measured. docs/experiments.md has the result.
"""
