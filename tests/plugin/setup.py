"""Builds the extension; Apple's compiler has no OpenMP, so there the blocks run one by one."""

import sys

from setuptools import Extension, setup

openmp = [] if sys.platform == "darwin" else ["-fopenmp"]
# Sums may be reordered, so that they run in vectors; nothing else of IEEE 754 is given up.
fast = ["-O3", "-march=native", "-fassociative-math", "-fno-signed-zeros", "-fno-trapping-math"]
kernel = Extension(
    "mf_cython._kernel",
    ["mf_cython/_kernel.pyx"],
    extra_compile_args=[*fast, *openmp],
    extra_link_args=openmp,
)

setup(ext_modules=[kernel], packages=["mf_cython"])
