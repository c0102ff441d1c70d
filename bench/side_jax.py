"""The workloads in JAX, each step one jitted function; the same questions and answers as side.hpp. Layers and Adam are
written out, since JAX has none; buffers that a step replaces are donated. Workloads that are missing have no variants."""
import jax
import jax.numpy as jnp
import numpy as np

import side_parts
from side_parts import labels, numbers, turns

jax.config.update("jax_enable_x64", True)


def first(tree):
    """Waits for all results and reads one number of each."""
    return sum(float(np.asarray(leaf.reshape(-1)[0])) for leaf in jax.block_until_ready(jax.tree.leaves(tree)))


def squares(tree):
    return sum(float((np.asarray(leaf, np.float64) ** 2).sum()) for leaf in jax.tree.leaves(tree))


def make_weights(sizes):
    weights = []
    for i in range(len(sizes) - 1):
        weights.append(jnp.asarray(numbers(i, (sizes[i], sizes[i + 1]), 1 / np.sqrt(np.float32(sizes[i])))))
        weights.append(jnp.zeros(sizes[i + 1], jnp.float32))
    return weights


def forward(weights, x, key=None):
    for i in range(0, len(weights), 2):
        x = x @ weights[i] + weights[i + 1]
        if i + 2 < len(weights):
            x = jnp.maximum(x, 0)
            if key is not None:
                x = jnp.where(jax.random.bernoulli(key, .8, x.shape), x / np.float32(.8), np.float32(0))
    return x


def cross_entropy(z, y):
    return -jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], 1).mean()


def adam_update(w, g, m, v, t):
    alpha = (1e-3 * jnp.sqrt(1 - .999 ** t) / (1 - .9 ** t)).astype(jnp.float32)
    one = np.float32
    m = [a + one(.1) * (b - a) for a, b in zip(m, g)]
    v = [a + one(.001) * (b * b - a) for a, b in zip(v, g)]
    return [a - alpha * b / (jnp.sqrt(c) + one(1e-8)) for a, b, c in zip(w, m, v)], m, v


class Trained:
    def __init__(self, sizes, rows, count, dropout=False, weights=None, forward=forward):
        self.w = weights or make_weights(sizes)
        self.m = [jnp.zeros_like(a) for a in self.w]
        self.v = [jnp.zeros_like(a) for a in self.w]
        self.t = 0
        shape = (sizes[0],) if weights is None else tuple(sizes)
        self.x = [jnp.asarray(numbers(100 + i, (rows, *shape), 2)) for i in range(count)]
        self.y = [jnp.asarray(labels(500 + i, rows)) for i in range(count)]
        self.key = jax.random.PRNGKey(1)

        def step(w, m, v, t, x, y, key):
            loss, g = jax.value_and_grad(
                lambda w: cross_entropy(forward(w, x, jax.random.fold_in(key, t) if dropout else None), y))(w)
            return (loss, *adam_update(w, g, m, v, t.astype(jnp.float64)))

        self.run = jax.jit(step, donate_argnums=(0, 1, 2))

    def update(self, x, y):
        self.t += 1
        loss, self.w, self.m, self.v = self.run(self.w, self.m, self.v, np.int64(self.t), x, y, self.key)
        return loss

    def step(self):
        at = (self.t + 1) % len(self.x)
        return float(jax.block_until_ready(self.update(self.x[at], self.y[at])))


def train(sizes, rows, count):
    job = Trained(sizes, rows, count)

    def check():
        fresh = Trained(sizes, rows, count)
        for _ in range(20):
            loss = fresh.step()
        return {"loss of step 20": loss}

    return [("jit", job.step, 1)], check


def transformer():
    """W5. A layer has query, key, value, output and the two of the feed-forward part, then both normalizations."""
    positions, width, heads, inner, rate = 64, 128, 4, 512, .1

    def make():
        weights, stream = [], 0
        for sizes in [[(width, width)] * 4 + [(width, inner), (inner, width)]] * 2 + [[(width, 10)]]:
            for size in sizes:
                weights.append(jnp.asarray(numbers(stream, size, 1 / np.sqrt(np.float32(size[0])))))
                weights.append(jnp.zeros(size[1], jnp.float32))
                stream += 1
            if len(sizes) > 1:
                for _ in range(2):
                    weights += [jnp.ones(width, jnp.float32), jnp.zeros(width, jnp.float32)]
        return weights

    def forward(w, x, key):
        draws = [0]

        def dropout(h):
            draws[0] += 1
            if key is None:
                return h
            kept = jax.random.bernoulli(jax.random.fold_in(key, draws[0]), 1 - rate, h.shape)
            return jnp.where(kept, h / np.float32(1 - rate), np.float32(0))

        def norm(h, gamma, beta):
            centred = h - h.mean(-1, keepdims=True)
            return centred / jnp.sqrt((centred * centred).mean(-1, keepdims=True) + np.float32(1e-5)) * gamma + beta

        for at in (0, 16):
            p = w[at:at + 16]
            q, k, v = ((x @ p[i] + p[i + 1]).reshape(-1, positions, heads, width // heads) for i in (0, 2, 4))
            scores = jnp.einsum("btnh,bsnh->bnts", q * np.float32((width // heads) ** -.5), k)
            mixed = jnp.einsum("bnts,bsnh->btnh", dropout(jax.nn.softmax(scores)), v).reshape(x.shape)
            x = norm(x + dropout(mixed @ p[6] + p[7]), p[12], p[13])
            up = dropout(jax.nn.gelu(x @ p[8] + p[9], approximate=False))
            x = norm(x + dropout(up @ p[10] + p[11]), p[14], p[15])
        return x.mean(1) @ w[32] + w[33]

    make_job = lambda dropout: Trained((positions, width), 32, 16, dropout, make(), forward)
    job = make_job(True)

    def check():
        fresh = make_job(False)
        for _ in range(10):
            loss = fresh.step()
        return {"loss of step 10 without dropout": loss}

    return [("jit", job.step, 1)], check


def elementwise(n):
    x = [jnp.asarray(numbers(100 + i, (n,), 1)) for i in range(turns(n))]
    w, b = jnp.asarray(numbers(1, (n,), 1)), jnp.asarray(numbers(2, (n,), 1))
    run = jax.jit(jax.value_and_grad(lambda x, w, b: (jnp.tanh(x * w + b) * jnp.exp(-x * x)).sum(), (0, 1, 2)))
    at = [0]

    def step():
        at[0] += 1
        return first(run(x[at[0] % len(x)], w, b))

    def check():
        y, g = run(x[0], w, b)
        return {"y": float(y), "squares of the gradients": squares(g)}

    return [("jit", step, 1)], check


def chain():
    def run(t, a, b):
        for _ in range(334):
            t = jnp.tanh(t * a + b)
        return t[0]

    jitted = jax.jit(jax.value_and_grad(run, (0, 1, 2)))
    starts = [jnp.full(1, .3 + .001 * i) for i in range(64)]
    a, b, at = jnp.full(1, .9), jnp.full(1, .1), [0]

    def step():
        at[0] += 1
        y, (dt, da, db) = jax.block_until_ready(jitted(starts[at[0] % 64], a, b))
        return float(y) + float(da[0]) + float(db[0])

    def check():
        y, (dt, da, db) = jitted(starts[0], a, b)
        return {"y + dy/da + dy/db": float(y) + float(da[0]) + float(db[0])}

    return [("jit", step, 1002)], check


def two_neurons():
    def step(p, x):
        def error(p):
            w1, b1, w2, b2 = p
            a2 = jax.nn.sigmoid(w2 * jax.nn.sigmoid(w1 * x + b1) + b2)
            return (.5 * (.25 - a2) ** 2)[0]

        e, g = jax.value_and_grad(error)(p)
        return e, [a - .4 * b for a, b in zip(p, g)]

    jitted = jax.jit(step)
    xs = [jnp.full(1, .1 + .001 * i) for i in range(64)]

    class Job:
        def __init__(self):
            self.p, self.at = [jnp.full(1, v) for v in (.15, .40, .45, .90)], 0

        def step(self):
            e, self.p = jitted(self.p, xs[self.at % 64])
            self.at += 1
            return float(e)

    job = Job()

    def check():
        fresh = Job()
        for _ in range(20):
            e = fresh.step()
        return {"error of step 20": e}

    return [("jit", job.step, 1)], check


def product(n, dtype):
    a = [jnp.asarray(numbers(100 + i, (n, n), 1).astype(dtype)) for i in range(turns(n * n))]
    b, run, at = jnp.asarray(numbers(1, (n, n), 1).astype(dtype)), jax.jit(jnp.matmul), [0]

    def step():
        at[0] += 1
        return jax.block_until_ready(run(a[at[0] % len(a)], b))

    return [("jit", step, 1)], lambda: {"a . b, squares": squares(run(a[0], b))}


def hessian():
    weights = make_weights([784, 128, 10])
    v = [[jnp.asarray(numbers(900 + 20 * i + k, w.shape, 1)) for k in range(turns(w.size))]
         for i, w in enumerate(weights)]
    x = [jnp.asarray(numbers(100 + i, (32, 784), 2)) for i in range(16)]
    y = [jnp.asarray(labels(500 + i, 32)) for i in range(16)]
    run = jax.jit(lambda w, v, x, y: jax.jvp(jax.grad(lambda w: cross_entropy(forward(w, x), y)), (w,), (v,))[1])
    at = [0]

    def step():
        at[0] += 1
        return first(run(weights, [t[at[0] % len(t)] for t in v], x[at[0] % 16], y[at[0] % 16]))

    return [("jit, jvp of grad", step, 1)], lambda: {
        "squares of H v": squares(run(weights, [t[0] for t in v], x[0], y[0]))}


def adam():
    class Job:
        def __init__(self):
            self.w = [jnp.asarray(numbers(i, (1000, 1000), 1)) for i in range(10)]
            self.m, self.v = [[jnp.zeros_like(a) for a in self.w] for _ in range(2)]
            self.g = [[jnp.asarray(numbers(100 * (k + 1) + i, (1000, 1000), 1)) for i in range(10)] for k in range(3)]
            self.t, self.run = 0, jax.jit(adam_update, donate_argnums=(0, 2, 3))

        def step(self):
            self.t += 1
            self.w, self.m, self.v = self.run(self.w, self.g[(self.t - 1) % 3], self.m, self.v, np.float64(self.t))
            jax.block_until_ready((self.w, self.m, self.v))
            return float(self.w[-1][0, 0])

    job = Job()

    def check():
        fresh = Job()
        for _ in range(5):
            last = fresh.step()
        return {"a weight after step 5": last}

    return [("jit", job.step, 1)], check


def rowwise(name):
    x = [jnp.asarray(numbers(100 + i, (4096, 1000), 2)) for i in range(3)]
    at = [0]
    if name == "softmax":
        y = [jnp.asarray(labels(500 + i, 4096)) for i in range(3)]
        run = jax.jit(jax.value_and_grad(cross_entropy))
        step = lambda k: first(run(x[k], y[k]))
        loss = lambda: run(x[0], y[0])
        check = lambda: {"loss": float(loss()[0]), "squares of the gradient": squares(loss()[1])}
    else:
        axis = 1 if name == "layernorm" else 0
        incoming = jnp.asarray(numbers(1, (4096, 1000), 1))
        gamma, beta = jnp.ones(1000, jnp.float32), jnp.zeros(1000, jnp.float32)
        moving = [jnp.zeros(1000, jnp.float32), jnp.ones(1000, jnp.float32)]

        def normalise(x, gamma, beta):
            m = x.mean(axis, keepdims=True)
            v = ((x - m) ** 2).mean(axis, keepdims=True)
            return (x - m) / jnp.sqrt(v + np.float32(1e-5)) * gamma + beta, (m, v)

        def both(x, gamma, beta, moving):
            y, back, (m, v) = jax.vjp(normalise, x, gamma, beta, has_aux=True)
            if axis == 0:
                parts = (m.reshape(-1), v.reshape(-1) * np.float32(4096 / 4095))
                moving = [np.float32(.9) * a + np.float32(.1) * b for a, b in zip(moving, parts)]
            return y, back(incoming), moving

        run = jax.jit(both)
        step = lambda k: first(run(x[k], gamma, beta, moving))

        def check():
            y, g, _ = run(x[0], gamma, beta, moving)
            return {"squares of y": squares(y), "squares of the gradients": squares(g)}

    def one():
        at[0] += 1
        return step(at[0] % 3)

    return [("jit", one, 1)], check


def one_image():
    weights, run, at = make_weights([784, 128, 10]), jax.jit(forward), [0]
    x = [jnp.asarray(numbers(100 + i, (1, 784), 2)) for i in range(64)]

    def step():
        at[0] += 1
        return np.asarray(run(weights, x[at[0] % 64]))[0, 0]

    return [("jit", step, 1)], lambda: {"first output": float(run(weights, x[0]).sum())}


def fashion_mnist():
    x, y = (jnp.asarray(a) for a in side_parts.fashion_mnist("train"))
    job = Trained([784, 128, 10], 1, 1, dropout=True)
    take, random = jax.jit(lambda x, y, rows: (x[rows], y[rows])), np.random.default_rng(1)

    def step():
        order = random.permutation(60000)
        for i in range(0, 60000, 128):
            loss = job.update(*take(x, y, order[i:i + 128]))
        return float(loss)

    def check():
        tx, ty = side_parts.fashion_mnist("t10k")
        return {"test accuracy": float((np.asarray(forward(job.w, jnp.asarray(tx))).argmax(1) == ty).mean())}

    return [("jit", step, 1)], check


def open_workload(name):
    if name == "W1":
        return train([784, 128, 10], 32, 64)
    if name == "W2":
        return train([784, 1024, 1024, 10], 256, 16)
    if name.startswith("W6."):
        return elementwise(int(name[3:]))
    if name == "W7.chain":
        return chain()
    if name == "W7.neurons":
        return two_neurons()
    if name.startswith("W8."):
        _, dtype, n = name.split(".")
        return product(int(n), dtype)
    if name.startswith("W12.") and name != "W12.adam":
        return rowwise(name[4:])
    others = {"W5": transformer, "W9": hessian, "W11": fashion_mnist, "W12.adam": adam, "W13": one_image}
    return others[name]() if name in others else ([], dict)


if __name__ == "__main__":
    side_parts.serve(open_workload)
