"""PyTorch's counterparts of bench/ops_arrays.cpp, by name: functions of x and y, float32 of shape (1000, 1000)."""
import torch as t

rows = t.randint(0, 1000, (1000,))
columns = t.randint(0, 1000, (1000, 1000))
grid = t.linspace(-2, 2, 1000)


def corner(x, n):
    return x[:n, :n]


kept = {}


def regular(x):
    if "regular" not in kept:
        kept["regular"] = x + 100 * t.eye(1000)
    return kept["regular"]


functions = {
    "sum": lambda x, y: x.sum(), "sum_rows": lambda x, y: x.sum(-1), "sum_columns": lambda x, y: x.sum(0),
    "mean": lambda x, y: x.mean(), "var": lambda x, y: x.var(correction=0),
    "std_rows": lambda x, y: x.std(-1, correction=0), "prod": lambda x, y: x.prod(),
    "prod_rows": lambda x, y: x.prod(-1), "prod_columns": lambda x, y: x.prod(0), "max": lambda x, y: x.max(),
    "max_rows": lambda x, y: x.amax(-1), "min_columns": lambda x, y: x.amin(0),
    "argmax_rows": lambda x, y: x.argmax(-1), "any": lambda x, y: (x > 5).any(), "all": lambda x, y: (x < 5).all(),
    "count_nonzero": lambda x, y: x.count_nonzero(), "norm": lambda x, y: t.linalg.vector_norm(x),
    "norm_1_rows": lambda x, y: t.linalg.vector_norm(x, 1, -1), "logsumexp_rows": lambda x, y: x.logsumexp(-1),
    "median": lambda x, y: x.median(), "quantile_rows": lambda x, y: x.quantile(0.3, -1),
    "nansum": lambda x, y: x.nansum(), "softmax": lambda x, y: x.softmax(-1),
    "log_softmax": lambda x, y: x.log_softmax(-1), "cumsum_rows": lambda x, y: x.cumsum(-1),
    "cumsum_columns": lambda x, y: x.cumsum(0), "cumprod_rows": lambda x, y: x.cumprod(-1),
    "cummax_rows": lambda x, y: x.cummax(-1), "logcumsumexp_rows": lambda x, y: x.logcumsumexp(-1),
    "diff": lambda x, y: x.diff(), "transpose": lambda x, y: x.t().contiguous(),
    "concatenate": lambda x, y: t.cat((x, y)), "hstack": lambda x, y: t.hstack((x, y)),
    "stack": lambda x, y: t.stack((x, y)), "slice_steps": lambda x, y: x[::2, ::2].contiguous(),
    "tile": lambda x, y: corner(x, 500).tile(2, 2), "repeat": lambda x, y: corner(x, 500).repeat_interleave(2, -1),
    "flip": lambda x, y: x.flip(0, 1), "rot90": lambda x, y: x.rot90().contiguous(),
    "roll": lambda x, y: x.roll(7, -1), "pad": lambda x, y: t.nn.functional.pad(x, (3, 4, 1, 2)),
    "pad_reflect": lambda x, y: t.nn.functional.pad(x[None], (3, 4, 1, 2), "reflect"), "tril": lambda x, y: x.tril(),
    "triu": lambda x, y: x.triu(), "arange": lambda x, y: t.arange(1000000),
    "linspace": lambda x, y: t.linspace(0, 1, 1000000), "eye": lambda x, y: t.eye(1000),
    "take_rows": lambda x, y: x[rows], "take_along_axis": lambda x, y: x.take_along_dim(columns, -1),
    "scatter_add": lambda x, y: x.index_add(0, rows, y),
    "segment_sum": lambda x, y: t.zeros(1000, 1000).index_add_(0, rows, x),
    "one_hot": lambda x, y: t.nn.functional.one_hot(rows, 1000).float(), "boolean_mask": lambda x, y: x[y > 0],
    "where": lambda x, y: t.where(x > 0, x, y), "sort_rows": lambda x, y: x.sort().values,
    "argsort_rows": lambda x, y: x.argsort(), "top_k": lambda x, y: x.topk(10).values,
    "unique": lambda x, y: columns.unique(), "bincount": lambda x, y: columns.reshape(-1).bincount(minlength=1000),
    "searchsorted": lambda x, y: t.searchsorted(grid, x), "isin": lambda x, y: t.isin(columns, t.arange(10)),
    "matmul": lambda x, y: x @ y, "matmul_transposed": lambda x, y: x.t() @ y, "matvec": lambda x, y: x @ y[0],
    "outer": lambda x, y: t.outer(x.amax(0), y.amax(0)), "tensordot": lambda x, y: t.tensordot(x, y, 1),
    "einsum": lambda x, y: t.einsum("ij,kj->ik", x, y), "einsum_sum": lambda x, y: t.einsum("ij,ij->", x, y),
    "kron": lambda x, y: t.kron(corner(x, 32), corner(y, 32)), "solve": lambda x, y: t.linalg.solve(regular(x), y),
    "inv": lambda x, y: t.linalg.inv(regular(x)), "det": lambda x, y: t.linalg.det(regular(x) * 0.01),
    "cholesky": lambda x, y: t.linalg.cholesky(regular(x) + regular(x).t()), "qr": lambda x, y: t.linalg.qr(x).Q,
    "svd_300": lambda x, y: t.linalg.svd(corner(x, 300)).S, "eigh_300": lambda x, y: t.linalg.eigh(corner(x, 300))[0],
    "expm_300": lambda x, y: t.linalg.matrix_exp(corner(x, 300) * 0.01),
    "matrix_power": lambda x, y: t.linalg.matrix_power(x * 0.01, 5), "pinv_300": lambda x, y: t.linalg.pinv(corner(x, 300)),
    "uniform": lambda x, y: t.rand(1000, 1000), "normal": lambda x, y: t.randn(1000, 1000),
    "bernoulli": lambda x, y: t.full((1000, 1000), 0.3).bernoulli(), "randint": lambda x, y: t.randint(0, 1000, (1000, 1000)),
    "exponential": lambda x, y: t.empty(1000, 1000).exponential_(),
    "gamma": lambda x, y: t._standard_gamma(t.full((1000, 1000), 2.5)),
    "poisson": lambda x, y: t.poisson(t.full((1000, 1000), 3.5)),
    "categorical": lambda x, y: t.distributions.Categorical(logits=x).sample(),
    "permutation": lambda x, y: t.randperm(1000000),
}
