"""Where an epoch of the PyTorch backends goes, by kind of operation.

python tests/benchmarks/profile_torch.py [RANK BATCH THREADS]      # 64 65536 1

A million synthetic ratings, plain SGD; self CPU time as torch.profiler counts it.
"""

import sys

import torch
from torch.profiler import profile

from bench.problems import load_problem
from mfimpls import registry
from mfimpls.contract import Hyper
from mfimpls.orders import initial_factors

BACKENDS = "torch_embedding_sgd", "torch_sgd", "torch_manual_sgd"
KINDS = {
    "gather rows and columns": ("index", "index_select", "embedding", "gather", "take"),
    "products at the cells": ("sparse_sampled_addmm", "sparse_csr_tensor", "_sparse_compressed"),
    "sums per row": ("_embedding_bag", "index_add", "coalesce", "_coalesce", "embedding_sparse"),
    "put back": ("index_copy_", "_index_put_impl_", "index_put_", "scatter_"),
    "sort into batches": ("sort", "argsort", "cumsum", "ne", "arange", "remainder"),
    "copies and new memory": ("copy_", "fill_", "zero_", "empty", "cat", "clone", "to", "_to_copy"),
    "arithmetic": (
        "mul", "sum", "pow", "add", "sub", "neg", "add_", "mul_", "sub_", "div", "mm", "mv", "dot",
        "square", "addcmul", "addcdiv", "constant_pad_nd", "rsub", "addmv_", "addmm",
    ),
}  # fmt: skip


def main(rank=64, batch=65536, threads=1):
    torch.set_num_threads(threads)
    problem = load_problem("synthetic[size=m]")
    hyper = Hyper(rank=rank, batch=batch, reg=0.05, reg_bias=0.02, lr=1e-4)
    for name in BACKENDS:
        steps = registry.load(name).fit(problem, hyper, initial_factors(problem, hyper))
        next(steps), next(steps)
        with profile() as found:
            next(steps)
        show(name, found.key_averages())


def show(name, events):
    """Share of the epoch per kind, and the largest operations of each."""
    spent, total = {}, sum(event.self_cpu_time_total for event in events)
    for event in events:
        kind = spent.setdefault(kind_of(event.key), {})
        kind[event.key] = kind.get(event.key, 0) + event.self_cpu_time_total
    print(f"{name}: {total / 1e3:.0f} ms of operations")
    for kind, ops in sorted(spent.items(), key=lambda item: -sum(item[1].values())):
        largest = sorted(ops, key=ops.get, reverse=True)[:3]
        print(f"  {sum(ops.values()) / total:6.1%}  {kind:26}{', '.join(largest)}")


def kind_of(key):
    op = key.removeprefix("aten::")
    if "autograd::" in key or "Backward" in key or key == "Products":
        return "autograd's own work"
    return next((kind for kind, ops in KINDS.items() if op in ops), "other operations")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
