"""The workloads in MLX, each step one compiled function; the same questions and answers as side.hpp. Layers and Adam
are written out, as in JAX. Workloads that are missing have no variants."""
import mlx.core as mx
import numpy as np

import side_parts
from side_parts import labels, numbers, turns


def leaves(tree):
    return [leaf for part in tree for leaf in leaves(part)] if isinstance(tree, (list, tuple)) else [tree]


def first(tree):
    """Computes all results and reads one number of each."""
    mx.eval(tree)
    return sum(float(np.asarray(leaf).reshape(-1)[0]) for leaf in leaves(tree))


def squares(tree):
    mx.eval(tree)
    return sum(float((np.asarray(leaf).astype(np.float64) ** 2).sum()) for leaf in leaves(tree))


def make_weights(sizes):
    weights = []
    for i in range(len(sizes) - 1):
        weights.append(mx.array(numbers(i, (sizes[i], sizes[i + 1]), 1 / np.sqrt(np.float32(sizes[i])))))
        weights.append(mx.zeros(sizes[i + 1]))
    return weights


def forward(weights, x, key=None):
    for i in range(0, len(weights), 2):
        x = mx.addmm(weights[i + 1], x, weights[i])
        if i + 2 < len(weights):
            x = mx.maximum(x, 0)
            if key is not None:
                x = mx.where(mx.random.bernoulli(.8, x.shape, key), x / .8, 0)
    return x


def cross_entropy(z, y):
    return (mx.logsumexp(z, -1) - mx.take_along_axis(z, y[:, None], 1).squeeze(1)).mean()


def adam_update(w, g, m, v, alpha):
    m = [a + .1 * (b - a) for a, b in zip(m, g)]
    v = [a + .001 * (b * b - a) for a, b in zip(v, g)]
    return [a - alpha * b / (mx.sqrt(c) + 1e-8) for a, b, c in zip(w, m, v)], m, v


def alpha_of(t):
    return mx.array(np.float32(1e-3 * np.sqrt(1 - .999 ** t) / (1 - .9 ** t)))


class Trained:
    def __init__(self, sizes, rows, count, dropout=False):
        self.w = make_weights(sizes)
        self.m = [mx.zeros_like(a) for a in self.w]
        self.v = [mx.zeros_like(a) for a in self.w]
        self.t, self.dropout = 0, dropout
        self.x = [mx.array(numbers(100 + i, (rows, sizes[0]), 2)) for i in range(count)]
        self.y = [mx.array(labels(500 + i, rows)) for i in range(count)]
        self.key = mx.random.key(1)

        def step(w, m, v, alpha, x, y, key):
            loss, g = mx.value_and_grad(lambda w: cross_entropy(forward(w, x, key if dropout else None), y))(w)
            return (loss, *adam_update(w, g, m, v, alpha))

        self.run = mx.compile(step)

    def update(self, x, y):
        self.t += 1
        if self.dropout:
            self.key, key = mx.random.split(self.key)
        else:
            key = self.key
        loss, self.w, self.m, self.v = self.run(self.w, self.m, self.v, alpha_of(self.t), x, y, key)
        mx.eval(loss, self.w, self.m, self.v)
        return loss

    def step(self):
        at = (self.t + 1) % len(self.x)
        return self.update(self.x[at], self.y[at]).item()


def train(sizes, rows, count):
    job = Trained(sizes, rows, count)

    def check():
        fresh = Trained(sizes, rows, count)
        for _ in range(20):
            loss = fresh.step()
        return {"loss of step 20": loss}

    return [("compile", job.step, 1)], check


def elementwise(n):
    x = [mx.array(numbers(100 + i, (n,), 1)) for i in range(turns(n))]
    w, b = mx.array(numbers(1, (n,), 1)), mx.array(numbers(2, (n,), 1))
    run = mx.compile(mx.value_and_grad(lambda x, w, b: (mx.tanh(x * w + b) * mx.exp(-x * x)).sum(), (0, 1, 2)))
    at = [0]

    def step():
        at[0] += 1
        return first(run(x[at[0] % len(x)], w, b))

    def check():
        y, g = run(x[0], w, b)
        return {"y": y.item(), "squares of the gradients": squares(g)}

    return [("compile", step, 1)], check


def product(n, dtype):
    a = [mx.array(numbers(100 + i, (n, n), 1).astype(dtype)) for i in range(turns(n * n))]
    b, at = mx.array(numbers(1, (n, n), 1).astype(dtype)), [0]

    def step():
        at[0] += 1
        mx.eval(a[at[0] % len(a)] @ b)

    return [("matmul", step, 1)], lambda: {"a . b, squares": squares(a[0] @ b)}


def hessian():
    weights = make_weights([784, 128, 10])
    v = [[mx.array(numbers(900 + 20 * i + k, w.shape, 1)) for k in range(turns(w.size))] for i, w in enumerate(weights)]
    x = [mx.array(numbers(100 + i, (32, 784), 2)) for i in range(16)]
    y = [mx.array(labels(500 + i, 32)) for i in range(16)]

    def product_of(w, v, x, y):
        # Reverse mode twice: take_along_axis has no forward rule.
        inner = lambda w: sum((a * b).sum() for a, b in zip(mx.grad(lambda w: cross_entropy(forward(w, x), y))(w), v))
        return mx.grad(inner)(w)

    run, at = mx.compile(product_of), [0]

    def step():
        at[0] += 1
        return first(run(weights, [t[at[0] % len(t)] for t in v], x[at[0] % 16], y[at[0] % 16]))

    return [("compile, grad of grad", step, 1)], lambda: {
        "squares of H v": squares(run(weights, [t[0] for t in v], x[0], y[0]))}


def adam():
    class Job:
        def __init__(self):
            self.w = [mx.array(numbers(i, (1000, 1000), 1)) for i in range(10)]
            self.m, self.v = [[mx.zeros_like(a) for a in self.w] for _ in range(2)]
            self.g = [[mx.array(numbers(100 * (k + 1) + i, (1000, 1000), 1)) for i in range(10)] for k in range(3)]
            self.t, self.run = 0, mx.compile(adam_update)

        def step(self):
            self.t += 1
            self.w, self.m, self.v = self.run(self.w, self.g[(self.t - 1) % 3], self.m, self.v, alpha_of(self.t))
            mx.eval(self.w, self.m, self.v)
            return float(np.asarray(self.w[-1])[0, 0])

    job = Job()

    def check():
        fresh = Job()
        for _ in range(5):
            last = fresh.step()
        return {"a weight after step 5": last}

    return [("compile", job.step, 1)], check


def rowwise(name):
    x = [mx.array(numbers(100 + i, (4096, 1000), 2)) for i in range(3)]
    at = [0]
    if name == "softmax":
        y = [mx.array(labels(500 + i, 4096)) for i in range(3)]
        run = mx.compile(mx.value_and_grad(cross_entropy))
        step = lambda k: first(run(x[k], y[k]))

        def check():
            loss, g = run(x[0], y[0])
            return {"loss": loss.item(), "squares of the gradient": squares(g)}
    else:
        axis = 1 if name == "layernorm" else 0
        incoming = mx.array(numbers(1, (4096, 1000), 1))
        gamma, beta = mx.ones(1000), mx.zeros(1000)
        moving = [mx.zeros(1000), mx.ones(1000)]

        def normalise(x, gamma, beta):
            m = x.mean(axis, keepdims=True)
            v = ((x - m) ** 2).mean(axis, keepdims=True)
            return (x - m) / mx.sqrt(v + 1e-5) * gamma + beta, m, v

        def both(x, gamma, beta, moving):
            (y, m, v), back = mx.vjp(normalise, [x, gamma, beta], [incoming, *zeros])
            if axis == 0:
                parts = (m.reshape(-1), v.reshape(-1) * (4096 / 4095))
                moving = [.9 * a + .1 * b for a, b in zip(moving, parts)]
            return y, back, moving

        small = (4096, 1) if axis == 1 else (1, 1000)
        zeros = [mx.zeros(small), mx.zeros(small)]
        run = mx.compile(both)
        step = lambda k: first(run(x[k], gamma, beta, moving))

        def check():
            y, g, _ = run(x[0], gamma, beta, moving)
            return {"squares of y": squares(y), "squares of the gradients": squares(g)}

    def one():
        at[0] += 1
        return step(at[0] % 3)

    return [("compile", one, 1)], check


def one_image():
    weights, run, at = make_weights([784, 128, 10]), mx.compile(forward), [0]
    x = [mx.array(numbers(100 + i, (1, 784), 2)) for i in range(64)]

    def step():
        at[0] += 1
        return first(run(weights, x[at[0] % 64]))

    return [("compile", step, 1)], lambda: {"first output": run(weights, x[0]).sum().item()}


def fashion_mnist():
    x, y = (mx.array(a) for a in side_parts.fashion_mnist("train"))
    job = Trained([784, 128, 10], 1, 1, dropout=True)
    random = np.random.default_rng(1)

    def step():
        order = mx.array(random.permutation(60000))
        for i in range(0, 60000, 128):
            rows = order[i:i + 128]
            loss = job.update(x[rows], y[rows])
        return loss.item()

    def check():
        tx, ty = side_parts.fashion_mnist("t10k")
        return {"test accuracy": float((np.asarray(forward(job.w, mx.array(tx))).argmax(1) == ty).mean())}

    return [("compile", step, 1)], check


def open_workload(name):
    if name == "W1":
        return train([784, 128, 10], 32, 64)
    if name == "W2":
        return train([784, 1024, 1024, 10], 256, 16)
    if name.startswith("W6."):
        return elementwise(int(name[3:]))
    if name.startswith("W8."):
        _, dtype, n = name.split(".")
        return product(int(n), dtype)
    if name.startswith("W12.") and name != "W12.adam":
        return rowwise(name[4:])
    others = {"W9": hessian, "W11": fashion_mnist, "W12.adam": adam, "W13": one_image}
    return others[name]() if name in others else ([], dict)


if __name__ == "__main__":
    mx.set_default_device(mx.cpu)
    side_parts.serve(open_workload)
