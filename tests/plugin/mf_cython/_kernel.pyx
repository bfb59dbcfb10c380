# cython: boundscheck=False, wraparound=False, cdivision=True, language_level=3
"""One epoch of per-rating SGD over rounds of blocks that share no row."""

from cython cimport floating
from cython.parallel cimport prange
from libc.math cimport sqrt


def visit_rounds(
    floating[:, ::1] P, floating[:, ::1] Q, floating[::1] b, floating[::1] c,
    floating[::1] A_P, floating[::1] A_Q, floating[::1] A_b, floating[::1] A_c,
    const int[::1] users, const int[::1] items, const floating[::1] targets,
    const long[::1] starts, const long[:, ::1] rounds,
    const floating[::1] numbers, bint biases, bint adaptive,
):
    """Visit every block of every round, the blocks of a round in parallel; in place."""
    cdef Py_ssize_t k, j
    cdef long block
    for k in range(rounds.shape[0]):
        for j in prange(rounds.shape[1], nogil=True, schedule="dynamic", chunksize=1):
            block = rounds[k, j]
            if adaptive:
                visit_adaptive(
                    P, Q, b, c, A_P, A_Q, A_b, A_c, users, items, targets,
                    starts[block], starts[block + 1], numbers, biases,
                )
            else:
                visit(
                    P, Q, b, c, users, items, targets,
                    starts[block], starts[block + 1], numbers, biases,
                )


cdef void visit(
    floating[:, ::1] P, floating[:, ::1] Q, floating[::1] b, floating[::1] c,
    const int[::1] users, const int[::1] items, const floating[::1] targets,
    long start, long stop, const floating[::1] numbers, bint biases,
) noexcept nogil:
    cdef Py_ssize_t rank = P.shape[1], t, f
    cdef floating lr = numbers[0], reg = numbers[1], reg_bias = numbers[2]
    cdef floating e, x, y
    cdef floating *p
    cdef floating *q
    cdef int u, i
    for t in range(start, stop):
        u, i = users[t], items[t]
        p, q = &P[u, 0], &Q[i, 0]
        e = targets[t] - b[u] - c[i]
        for f in range(rank):
            e -= p[f] * q[f]
        for f in range(rank):
            x, y = p[f], q[f]
            p[f] = x + lr * (e * y - reg * x)
            q[f] = y + lr * (e * x - reg * y)
        if biases:
            b[u] += lr * (e - reg_bias * b[u])
            c[i] += lr * (e - reg_bias * c[i])


cdef void visit_adaptive(
    floating[:, ::1] P, floating[:, ::1] Q, floating[::1] b, floating[::1] c,
    floating[::1] A_P, floating[::1] A_Q, floating[::1] A_b, floating[::1] A_c,
    const int[::1] users, const int[::1] items, const floating[::1] targets,
    long start, long stop, const floating[::1] numbers, bint biases,
) noexcept nogil:
    # Row-wise Adagrad: x -= lr g / sqrt(A), then A += mean(g^2).
    cdef Py_ssize_t rank = P.shape[1], t, f
    cdef floating reg = numbers[1], reg_bias = numbers[2]
    cdef floating e, x, y, g, h, lr_p, lr_q, squares_g, squares_h
    cdef floating *p
    cdef floating *q
    cdef int u, i
    for t in range(start, stop):
        u, i = users[t], items[t]
        p, q = &P[u, 0], &Q[i, 0]
        e = targets[t] - b[u] - c[i]
        for f in range(rank):
            e -= p[f] * q[f]
        lr_p, lr_q = numbers[0] / sqrt(A_P[u]), numbers[0] / sqrt(A_Q[i])
        squares_g = squares_h = 0
        for f in range(rank):
            x, y = p[f], q[f]
            g, h = reg * x - e * y, reg * y - e * x
            squares_g += g * g
            squares_h += h * h
            p[f] = x - lr_p * g
            q[f] = y - lr_q * h
        A_P[u] += squares_g / rank
        A_Q[i] += squares_h / rank
        if biases:
            g, h = reg_bias * b[u] - e, reg_bias * c[i] - e
            b[u] -= numbers[0] * g / sqrt(A_b[u])
            c[i] -= numbers[0] * h / sqrt(A_c[i])
            A_b[u] += g * g
            A_c[i] += h * h
