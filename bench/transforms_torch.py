"""bench/transforms with PyTorch: python3 bench/transforms_torch.py, beside build/bench/bench/transforms."""
import time

import torch
from torch.func import grad, jacrev, vmap

torch.set_num_threads(1)
torch.manual_seed(0)


def measure(name, step, rounds):
    for _ in range(5):
        step()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    times.sort()
    print(f"  {name:44s} best {1e6 * times[0]:9.1f} us  median {1e6 * times[len(times) // 2]:9.1f} us")


x, w1, w2 = torch.rand(200), 0.1 * torch.rand(200, 256), 0.1 * torch.rand(256, 100)
f = lambda t: torch.tanh(torch.tanh(t @ w1) @ w2)
print("Jacobian of 100 outputs by 200 inputs, one thread")
measure("torch.func.jacrev", lambda: jacrev(f)(x), 300)

images, labels = torch.rand(32, 784), torch.randint(10, (32,))
a, b = torch.rand(784, 128) / 28, torch.rand(128, 10) / 11


def loss(a, b, image, label):
    return torch.nn.functional.cross_entropy(torch.relu(image @ a) @ b, label)


each = vmap(grad(loss, argnums=(0, 1)), in_dims=(None, None, 0, 0))
print("gradients of each of 32 examples, one thread")
measure("torch.func.vmap(grad)", lambda: each(a, b, images, labels), 100)
