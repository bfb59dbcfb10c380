"""The fused kernel without a GPU: it compiles for one, and agrees in Triton's interpreter."""

import os
import re
import subprocess
import sys

import pytest

from mfimpls import registry
from mfimpls.contract import Hyper

pytest.importorskip("triton")
pytest.importorskip("torch")


def interpreted(*command):
    """Run Python with Triton's interpreter, which must be chosen before Triton is imported."""
    return subprocess.run(
        [sys.executable, *command],
        env=os.environ | {"TRITON_INTERPRET": "1"}, capture_output=True, text=True,
    )  # fmt: skip


@pytest.mark.slow
def test_it_agrees_with_its_definition_in_the_interpreter(tmp_path):
    done = interpreted("-m", "bench", "check", "triton_sgd", "-o", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 failed" in done.stdout
    for dtype in ("float64", "float32"):
        assert f"in {dtype} J is off by" in done.stdout


def test_a_processor_is_refused_where_nothing_interprets():
    if os.environ.get("TRITON_INTERPRET") == "1":
        pytest.skip("Triton interprets here")
    sentence = registry.load("triton_sgd").refusal(Hyper(device="cpu"))
    assert sentence == "triton_sgd has no device cpu; it has cuda."


@pytest.mark.parametrize("dtype", ["fp32", "fp64"])
def test_it_compiles_for_a_gpu_to_additions_that_order_nothing_else(dtype, tmp_path, monkeypatch):
    """Relaxed additions in the tables' own dtype, with no number in the other: a float32 lr would
    spoil float64 steps.
    """
    if os.environ.get("TRITON_INTERPRET") == "1":
        pytest.skip("Triton interprets here")
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("TRITON_DEFAULT_FP_FUSION", "1")  # else Triton 3.9 warns
    assembly = compiled(dtype)
    additions = re.findall(r"\b(?:red|atom)\.\S+", assembly)
    assert additions
    for words in (".relaxed", ".add", f".f{dtype[2:]}"):
        assert all(words in addition for addition in additions), additions[0]
    assert "cvt.f64.f32" not in assembly


def compiled(dtype):
    """Assembly of the kernel for compute capability 9.0, at rank 64."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from mfimpls.backends.triton_sgd import step

    constants = {"RANK": 64, "BIASES": True, "RATINGS": 32, "WIDTH": 64}
    types = {"order": "*i64", "start": "i32", "stop": "i32", "users": "*i32", "items": "*i32"}
    signature = {
        name: "constexpr" if name in constants else types.get(name, f"*{dtype}")
        for name in step.arg_names
    }
    target = GPUTarget("cuda", 90, 32)
    return triton.compile(ASTSource(step, signature, constants), target=target).asm["ptx"]
