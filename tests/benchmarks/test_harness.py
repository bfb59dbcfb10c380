"""What the harness takes around an epoch: the goal is under 1% of one of 50 ms."""

from bench import overhead

EPOCHS = 100


def test_a_hundred_epochs_of_nothing(repeat):
    repeat(lambda: overhead.nothing(EPOCHS), "harness")
