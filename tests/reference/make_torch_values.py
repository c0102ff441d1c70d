#!/usr/bin/env python3
"""Writes torch_values.json: small programs in float64 with their inputs, values, gradients and Hessian-vector products
as PyTorch (2.13, CPU) computes them. Run in this folder. tests/torch_reference_test.cpp holds the same programs."""
import json
import torch
import torch.nn.functional as F

torch.manual_seed(3)
torch.set_default_dtype(torch.float64)


def near(*shape):  # around 0
    return torch.empty(shape).uniform_(-2, 2)


def above(*shape):  # away from 0
    return torch.empty(shape).uniform_(0.5, 2.5)


labels = torch.tensor([2, 0, 1, 2])
rows = torch.tensor([[3, 0], [1, 3]])

programs = {
    "arithmetic": (lambda a, b, c: ((a + b) * c - a / c).sum(), near(2, 3), near(3), above(2, 1)),
    "negative_square": (lambda a: ((-a) ** 2 * a).sum(), near(5)),
    "exp_log": (lambda a: (torch.exp(a * 0.5) * torch.log(a)).sum(), above(3, 2)),
    "expm1_log1p": (lambda a: (torch.expm1(a) * torch.log1p(a)).sum(), above(4)),
    "sqrt_reciprocal": (lambda a: (torch.sqrt(a) * torch.reciprocal(a + 1)).sum(), above(4)),
    "sin_cos": (lambda a: (torch.sin(a) * torch.cos(2 * a)).sum(), near(6)),
    "tanh_sigmoid": (lambda a: (torch.tanh(a) * torch.sigmoid(3 * a)).sum(), near(6)),
    "softplus": (lambda a: (F.softplus(4 * a, threshold=1e9) * a).sum(), near(6)),
    "abs_sign": (lambda a: (torch.abs(a) ** 3 * torch.sign(a)).sum(), near(6)),
    "floor": (lambda a: (a - torch.floor(a)).square().sum(), near(6)),
    "power": (lambda a, b: torch.pow(a, b).sum(), above(2, 3), near(3)),
    "power_number": (lambda a: (a ** 3 + a ** -2 + a ** 0.5 + a ** 2.7).sum(), above(5)),
    "maximum_minimum": (lambda a, b: (torch.maximum(a, b) ** 2 * torch.minimum(a, b)).sum(), near(2, 3), near(1, 3)),
    "clip": (lambda a: (torch.clamp(a, -0.7, 0.9) * a * a).sum(), near(8)),
    "where": (lambda a, b: torch.where(a > b, a * b, b ** 3).sum(), near(2, 4), near(4)),
    "comparisons": (lambda a, b: (((a < b) | ~(a >= 0.5)) & (a != b)).double().mul(a ** 3).sum(), near(6), near(6)),
    "relu": (lambda a, b: (F.relu(a @ b) ** 2).sum(), near(3, 4), near(4, 2)),
    "sum_axes": (lambda a: (a.sum((0, 2)) ** 2).sum() + (a.sum(1, keepdim=True) ** 3).sum(), near(2, 3, 2)),
    "mean_var": (lambda a: (a.mean(0) * a.var(0, unbiased=False)).sum() + a.var(unbiased=True), near(4, 3)),
    "std": (lambda a: (a.std(1, unbiased=True) * a.mean(1)).sum(), near(3, 4)),
    "max_min": (lambda a: (a.amax(1) ** 2 * a.amin(1)).sum() + a.amax() ** 3, near(3, 4)),
    "arg_take": (lambda a: (a[a.argmax(0)] * a.argmin(0)).pow(2).sum(), near(5, 2)),
    "softmax": (lambda a, b: (F.softmax(a, -1) * b).sum(), near(2, 4), near(2, 4)),
    "softmax_large": (lambda a: (F.softmax(500 * a, 0) * a).sum(), near(4, 2) * 0.01),
    "log_softmax": (lambda a: (F.log_softmax(a, 0) * torch.sin(a)).sum(), near(4, 2)),
    "logsumexp": (lambda a: (torch.logsumexp(a, 1) ** 2).sum() + torch.logsumexp(a, (0, 1)), near(3, 4)),
    "matmul": (lambda a, b: (a @ b).square().sum(), near(2, 3), near(3, 4)),
    "matmul_vectors": (lambda a, b, c: (a @ b) * torch.tanh(c @ a).sum(), near(3), near(3), near(2, 3)),
    "matmul_batches": (lambda a, b: torch.tanh(a @ b).sum(), near(3, 1, 2, 4), near(2, 4, 3)),
    "matmul_shared": (lambda a, w: torch.sin(a @ w).sum(), near(2, 3, 4), near(4, 2)),
    "transpose": (lambda a, b: torch.exp(0.1 * (a.T @ b.transpose(0, 1))).sum(), near(3, 2), near(4, 3)),
    "permute": (lambda a: (a.permute(2, 0, 1) * torch.arange(3.0)).pow(3).sum(), near(2, 3, 4)[:, :3, :]),
    "reshape_broadcast": (lambda a: (a.reshape(3, 2) * a.reshape(6, 1, 1).expand(6, 3, 2)).pow(2).sum(), near(2, 3)),
    "squeeze_expand": (lambda a: (a.unsqueeze(1) - 0.5 * a.unsqueeze(0)).squeeze().pow(3).mul(a[0]).sum(), near(4, 1)),
    "concatenate": (lambda a, b: torch.cat([a, b * b, a], 1).pow(3).sum(), near(2, 2), near(2, 3)),
    "stack": (lambda a, b: torch.stack([a, torch.sin(b), a * b], 1).cumsum(1)[:, 2].pow(2).sum(), near(3), near(3)),
    "slices": (lambda a: (a[1:, ::2] * a[:-1, 1::2]).pow(2).sum() + torch.flip(a, [1])[0].mul(a[1]).sum(), near(3, 4)),
    "take": (lambda a: (a[rows] ** 2 * torch.tanh(a[0])).sum(), near(4, 3)),
    "take_columns": (lambda a: torch.exp(a[:, [1, 1, 0]]).sum() ** 2, near(2, 3)),
    "one_hot": (lambda a: -(F.one_hot(labels, 3) * F.log_softmax(a, 1)).sum(1).mean(), near(4, 3)),
    "mlp_cross_entropy": (
        lambda x, w1, b1, w2, b2: F.cross_entropy(torch.tanh(x @ w1 + b1) @ w2 + b2, labels)
        + 0.01 * (w1.square().sum() + w2.square().sum()),
        near(4, 5), near(5, 6) * 0.5, near(6) * 0.1, near(6, 3) * 0.5, near(3) * 0.1),
    "mlp_mse": (
        lambda x, w1, b1, w2, y: F.mse_loss(F.softplus(x @ w1 + b1) @ w2, y),
        near(3, 2), near(2, 4), near(4), near(4, 1), near(3, 1)),
    "binary_cross_entropy": (
        lambda z, y: F.binary_cross_entropy_with_logits(z, torch.sigmoid(y)), near(6) * 3, near(6)),
    "layer_norm": (lambda a, g, b: (F.layer_norm(a, (4,), g, b, 1e-5) ** 3).sum(), near(3, 4), near(4), near(4)),
    "attention": (
        lambda q, k, v: (F.softmax(q @ k.transpose(-1, -2) / 2, -1) @ v).pow(2).sum(),
        near(2, 3, 4), near(2, 3, 4), near(2, 3, 2)),
    "recurrence": (lambda h, w, u: sum_of_steps(h, w, u), near(2, 3), near(3, 3) * 0.5, near(2, 3)),
    "neuron": (lambda x, w, b: 0.5 * (1 - torch.sigmoid(x @ w + b)).square(), near(2), near(2), near()),
}


def sum_of_steps(h, w, u):
    total = 0
    for _ in range(4):
        h = torch.tanh(h @ w + u)
        total = total + h.square().sum()
    return total


def plain(t):
    return t.detach().reshape(-1).tolist()


result = []
for name, (program, *inputs) in programs.items():
    inputs = [x.contiguous().clone().requires_grad_() for x in inputs]
    directions = [torch.empty_like(x).uniform_(-1, 1) for x in inputs]
    value = program(*inputs)
    grads = torch.autograd.grad(value, inputs, create_graph=True, allow_unused=True)
    grads = [torch.zeros_like(x) if g is None else g for g, x in zip(grads, inputs)]
    slope = sum((g * d).sum() for g, d in zip(grads, directions))
    products = [None] * len(inputs)
    if slope.requires_grad:
        products = torch.autograd.grad(slope, inputs, allow_unused=True)
    products = [torch.zeros_like(x) if p is None else p for p, x in zip(products, inputs)]
    result.append({
        "name": name,
        "inputs": [{"shape": list(x.shape), "values": plain(x)} for x in inputs],
        "directions": [plain(d) for d in directions],
        "value": value.item(),
        "grads": [plain(g) for g in grads],
        "products": [plain(p) for p in products],
    })
with open("torch_values.json", "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(one) for one in result) + "\n]\n")
print(len(result), "programs")
