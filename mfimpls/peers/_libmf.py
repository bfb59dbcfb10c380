"""LIBMF's training run, through its C interface or else its program mf-train.

    R ~ P Q',  row-wise Adagrad on the penalty per rating (Chin et al. 2015, doi:10.1145/2668133)

A run starts from scratch, from a start of LIBMF's own. Inside, ratings are divided by their
standard deviation, the rank is padded to a multiple of 8, and the first epoch trains 8 factors
alone. Blocks go to whichever thread is free, so that two runs with several threads differ.
"""

from __future__ import annotations

import ctypes
import importlib.util
import logging
import os
import platform
import re
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from mfimpls.contract import Unsupported

NOTES = logging.getLogger("mfimpls.notes")
NODE = np.dtype([("user", "i4"), ("item", "i4"), ("rating", "f4")])  # mf_node
# The reciprocal square root of 8 numbers at once (VEX.256 0F 52): the step rule of an AVX build,
# and nothing that a compiler writes of its own. Three of them are no accident.
AVX_STEP = re.compile(rb"\xc5[\xfc\x7c]\x52|\xc4[\xe1\xc1\x61\x41]\x7c\x52", re.DOTALL)
RATINGS, MODEL = "ratings.txt", "model.txt"
INTS = ("fun", "k", "nr_threads", "nr_bins", "nr_iters")
FLOATS = ("lambda_p1", "lambda_p2", "lambda_q1", "lambda_q2", "eta")
FLAGS = ("do_nmf", "quiet", "copy_data")


def structure(name, **types):
    fields = [(field, kind) for kind, names in types.items() for field in names]
    by_name = {"i": ctypes.c_int, "f": ctypes.c_float, "flag": ctypes.c_bool}
    return type(name, (ctypes.Structure,), {"_fields_": [(f, by_name[k]) for f, k in fields]})


OLD = structure("OldParameter", i=INTS, f=FLOATS, flag=FLAGS)  # of the copy on PyPI
NEW = structure("Parameter", i=INTS, f=(*FLOATS, "alpha", "c"), flag=FLAGS)  # from 2.02 on


class Problem(ctypes.Structure):
    _fields_ = [
        ("m", ctypes.c_int),
        ("n", ctypes.c_int),
        ("nnz", ctypes.c_longlong),
        ("R", ctypes.c_void_p),
    ]


class Model(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int) for name in ("fun", "m", "n", "k")),
        ("b", ctypes.c_float),
        ("P", ctypes.POINTER(ctypes.c_float)),
        ("Q", ctypes.POINTER(ctypes.c_float)),
    ]


@contextmanager
def trainer(problem, hyper, ratings):
    """A function of epochs and ratings (n,) that trains from scratch on the pairs of problem.train
    and returns P (n_users, rank) and Q (n_items, rank) float32; rows without ratings are NaN. What
    can be made ready for such ratings is. Raises ModuleNotFoundError where there is no LIBMF,
    Unsupported for a library that is none.
    """
    nodes = np.empty(len(problem.train), NODE)
    nodes["user"], nodes["item"] = problem.train.users, problem.train.items
    nodes["rating"] = ratings
    shape = problem.n_users, problem.n_items
    path, place = find(hyper.options["library"])
    NOTES.info("LIBMF from %s, %s", place, instructions(path))
    if place == "mf-train":
        NOTES.info("mf-train reads ratings and writes factors as text: counted in every run")
        with tempfile.TemporaryDirectory() as folder:
            write_text(Path(folder), nodes)
            yield partial(by_program, path, Path(folder), nodes, shape, settings(hyper))
    else:
        yield partial(by_library, opened(path), nodes, shape, settings(hyper))


def find(library):
    """The file to use and where it is from: the one asked for, the PyPI package's, mf-train."""
    if library:
        return Path(library), library
    package = importlib.util.find_spec("libmf")
    if package and package.origin:  # else a folder of this name, such as a checkout of LIBMF's
        for path in Path(package.origin).parents[1].glob("libmf*.so"):
            return path, "the PyPI package"
    if program := shutil.which("mf-train"):
        return Path(program), "mf-train"
    raise ModuleNotFoundError("No module named 'libmf' and no program mf-train", name="libmf")


def instructions(path):
    """AVX or not, read from the machine code."""
    if platform.machine() not in ("x86_64", "AMD64") or not path.is_file():
        return "AVX unknown"
    return (
        "built with AVX" if len(AVX_STEP.findall(path.read_bytes())) >= 3 else "built without AVX"
    )


def settings(hyper):
    threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    bins = max(hyper.options["bins"], 2 * threads + 1)  # fewer blocks leave threads waiting
    return {
        "k": hyper.rank, "nr_threads": threads, "nr_bins": bins,
        "lambda_p2": hyper.reg, "lambda_q2": hyper.reg, "eta": hyper.lr,
    }  # fmt: skip


def opened(path):
    try:
        library = ctypes.CDLL(str(path))
        library.mf_get_default_param.restype = NEW
        # An old library fills a shorter structure, in which alpha is no float of this value.
        kind = NEW if library.mf_get_default_param().alpha == 1.0 else OLD
        library.mf_train.argtypes = [ctypes.POINTER(Problem), kind]
        library.mf_train.restype = ctypes.POINTER(Model)
        library.mf_destroy_model.argtypes = [ctypes.POINTER(ctypes.POINTER(Model))]
    except (OSError, AttributeError) as error:
        raise Unsupported(f"{path} is no LIBMF that can be used: {error}") from None
    return library


def by_library(library, nodes, shape, chosen, epochs, ratings):
    nodes["rating"] = ratings
    given = Problem(*shape, len(nodes), nodes.ctypes.data)
    kind = library.mf_train.argtypes[1]
    model = library.mf_train(given, kind(**chosen, nr_iters=epochs, quiet=True, copy_data=True))
    if not model:
        raise RuntimeError("LIBMF returned no model; its log says why.")
    P, Q = (
        np.ctypeslib.as_array(table, (rows, model.contents.k))[:, : chosen["k"]].copy()
        for table, rows in zip((model.contents.P, model.contents.Q), shape)
    )
    library.mf_destroy_model(model)
    return P, Q


def write_text(folder, nodes):
    np.savetxt(folder / RATINGS, nodes, "%d %d %.9g")


def by_program(program, folder, nodes, shape, chosen, epochs, ratings):
    if not np.array_equal(nodes["rating"], ratings):
        nodes["rating"] = ratings
        write_text(folder, nodes)
    flags = {"-k": "k", "-s": "nr_threads", "-n": "nr_bins", "-l2": "lambda_p2", "-r": "eta"}
    options = [word for flag, name in flags.items() for word in (flag, str(chosen[name]))]
    command = [program, *options, "-t", str(epochs), "--quiet", RATINGS, MODEL]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder)
    P, Q = (np.full((rows, chosen["k"]), np.nan, np.float32) for rows in shape)
    with (folder / MODEL).open() as lines:
        for name, rated, *values in (line.split() for line in lines if line[0] in "pq"):
            if rated == "T":
                (P if name[0] == "p" else Q)[int(name[1:])] = values
    return P, Q


def rated(rows, start):
    """Rows without training ratings, NaN in LIBMF, keep their start."""
    return np.where(np.isnan(rows), start, rows)
