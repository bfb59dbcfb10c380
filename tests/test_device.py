"""The device audit: a fake device that works on its own, on a fake clock, shows what is caught."""

import contextlib
import math

import numpy as np
import pytest

from bench import device
from bench.measure import Clocks, Limits, measure
from mfimpls.contract import Factors
from mfimpls.objective import Evaluation

EPOCH, QUEUEING, WAITING = 1.0, 0.01, 0.002


class FakeDevice:
    """Work is queued and done on its own; whoever waits for it waits until it is done."""

    def __init__(self):
        self.now, self.free_at, self.is_deaf = 0.0, 0.0, False

    def queue(self, seconds):
        self.now += QUEUEING
        self.free_at = max(self.free_at, self.now) + seconds

    def wait(self):
        self.now = max(self.now, self.free_at)

    def synchronise(self):
        # What a backend calls; the audit can make it do nothing.
        if not self.is_deaf:
            self.wait()
            self.now += WAITING

    @contextlib.contextmanager
    def deafened(self):
        self.is_deaf = True
        yield
        self.is_deaf = False


def backend(fake, waits):
    def fit():
        def snapshot():
            return Factors(*(np.zeros((1, 1)) for _ in range(4)))

        fake.queue(5 * EPOCH)
        fake.synchronise()
        while True:
            yield snapshot
            fake.queue(EPOCH)
            if waits:
                fake.synchronise()

    return fit


def run(waits, epochs=4):
    fake = FakeDevice()
    fit = backend(fake, waits)
    clocks = Clocks(lambda: fake.now, lambda: fake.now, synchronise=fake.wait)
    m = measure(fit, lambda f: Evaluation(1, 1, 1, 1), Limits(epochs), clocks=clocks)
    return m, device.audit(fit, m, clocks, fake.deafened)


def test_a_backend_that_waits_is_timed_in_full_and_not_suspected():
    m, audit = run(waits=True)
    assert m.train_s == pytest.approx(4 * (QUEUEING + EPOCH + WAITING))
    assert m.suspect == audit.suspect == ""


def test_a_backend_that_yields_before_the_device_is_idle_is_suspected_by_both_tests():
    m, audit = run(waits=False)
    assert m.train_s == pytest.approx(4 * QUEUEING)
    assert "the device was not idle, 4 s of its work came after the yields" in m.suspect
    assert "work is left at the yields" in audit.suspect


def test_waiting_late_is_not_counted_as_training_but_as_off_the_clock():
    m, _ = run(waits=False)
    assert m.unaccounted == pytest.approx(0)


def test_the_audit_says_what_waiting_after_each_epoch_costs():
    _, audit = run(waits=True)
    assert audit.epochs == 1  # as many as fit into half a second, and at least one
    assert audit.each_s == pytest.approx(QUEUEING + EPOCH + WAITING)
    assert audit.once_s == pytest.approx(QUEUEING + EPOCH)
    assert "(+0.2%)" in audit.note


def test_short_epochs_are_audited_together_and_no_more_than_were_run(monkeypatch):
    monkeypatch.setattr(device, "ROUND_S", 10.0)
    assert run(waits=True, epochs=4)[1].epochs == 4
    assert run(waits=True, epochs=30)[1].epochs == 9


def test_the_processor_needs_no_waiting():
    assert device.synchroniser("cpu")() is None


def test_within_unsynchronised_pytorch_waits_for_nothing():
    torch = pytest.importorskip("torch")
    before = torch.cuda.synchronize
    with device.unsynchronised():
        assert torch.cuda.synchronize() is None  # the real one raises here, where there is no CUDA
    assert torch.cuda.synchronize is before


@pytest.mark.cuda
def test_an_epoch_on_cuda_takes_the_clock_as_long_as_its_work():
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    X = torch.randn(4096, 4096, device="cuda")

    def fit():
        while True:
            yield lambda: Factors(*(np.zeros((1, 1)) for _ in range(4)))
            for _ in range(20):
                X @ X
            torch.cuda.synchronize()

    clocks = Clocks(synchronise=device.synchroniser("cuda"))
    m = measure(fit, lambda f: Evaluation(1, 1, 1, 1), Limits(5), clocks=clocks)
    audit = device.audit(fit, m, clocks)
    assert m.suspect == audit.suspect == ""
    assert math.isfinite(audit.once_s)
