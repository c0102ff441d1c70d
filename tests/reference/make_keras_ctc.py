"""Writes keras_ctc.json: keras.ops.ctc_loss and ctc_decode on JAX, and PyTorch's ctc_loss, in float64, with first and
second derivatives by the logits. Needs keras, jax and torch."""
import torch
from keras_cases import case, jnp, keras, np, plain, rng, tensor, write

ops = keras.ops
cases = []


def loss(call, target, logits, target_length, output_length, mask_index=0):
    lengths = [np.asarray(n, "int64") for n in (target_length, output_length)]
    f = lambda t, x, a, b: ops.ctc_loss(t, x, a, b, mask_index=mask_index)
    cases.append(case(call, f, np.asarray(target, "int64"), logits, *lengths, grads=(1,)))


def logits(*shape):
    return (2 * rng.normal(size=shape)).round(6)


loss("ctc_loss", [[1, 2, 2, 3], [3, 1, 0, 0]], logits(2, 7, 4), [4, 2], [7, 7])
loss("ctc_loss", [[1, 2], [2, 2], [1, 0]], logits(3, 6, 3), [2, 2, 1], [6, 4, 2])
loss("ctc_loss", [[1]], logits(1, 1, 2), [1], [1])
loss("ctc_loss", [[1, 1, 1]], logits(1, 9, 5), [3], [8])
loss("ctc_loss", [[4, 2, 0], [0, 0, 0]], logits(2, 5, 6), [2, 0], [5, 3])
loss("ctc_loss", [[5, 3, 5, 1, 1, 2]] * 2, logits(2, 12, 8), [6, 3], [12, 6])
loss("ctc_loss blank_2", [[0, 1, 1], [3, 0, 2]], logits(2, 6, 4), [3, 2], [6, 5], mask_index=2)


def from_torch(call, target, x, target_length, output_length, blank=0):
    f = lambda v: torch.nn.functional.ctc_loss(
        torch.log_softmax(v, -1).transpose(0, 1), torch.tensor(target), torch.tensor(output_length),
        torch.tensor(target_length), blank=blank, reduction="none")
    point = torch.tensor(x, requires_grad=True)
    out = f(point)
    seed = rng.uniform(-1, 1, out.shape).round(3)
    (out * torch.tensor(seed)).sum().backward()
    ins = [np.asarray(target, "int64"), x, np.asarray(target_length, "int64"), np.asarray(output_length, "int64")]
    cases.append({"call": call, "in": [tensor(a) for a in ins], "out": tensor(out.detach().numpy()),
                  "seed": plain(seed), "grads": [None, plain(point.grad.numpy()), None, None]})


torch.set_default_dtype(torch.float64)
from_torch("ctc_loss", [[1, 2, 2, 3], [3, 1, 1, 1]], logits(2, 10, 4), [4, 2], [10, 7])
from_torch("ctc_loss", [[7, 7, 1], [2, 5, 6], [1, 2, 3]], logits(3, 15, 9), [3, 3, 1], [15, 9, 4])
from_torch("ctc_loss blank_2", [[0, 1, 1], [3, 0, 1]], logits(2, 8, 4), [3, 2], [8, 6], blank=2)


def decode(call, x, lengths, **options):
    lengths = np.asarray(lengths, "int64")
    paths, scores = ops.ctc_decode(jnp.asarray(x), jnp.asarray(lengths), **options)
    for name, out in (("", np.asarray(paths).astype("int64")), (" scores", np.asarray(scores))):
        cases.append({"call": call + name, "in": [tensor(x), tensor(lengths)], "out": tensor(out)})


for shape, lengths in (((2, 6, 4), [6, 3]), ((1, 9, 3), [9]), ((3, 5, 5), [5, 1, 4])):
    decode("ctc_decode greedy", logits(*shape), lengths)
decode("ctc_decode unmerged", logits(2, 8, 3), [8, 5], merge_repeated=False)
decode("ctc_decode blank_1", logits(2, 8, 3), [8, 5], mask_index=1)
for shape, lengths in (((2, 6, 4), [6, 3]), ((1, 9, 3), [9]), ((3, 5, 5), [5, 1, 4])):
    decode("ctc_decode beam", logits(*shape), lengths, strategy="beam_search", beam_width=20, top_paths=3)
decode("ctc_decode narrow", logits(2, 8, 6), [8, 6], strategy="beam_search", beam_width=2, top_paths=2)
decode("ctc_decode beam blank_1", logits(2, 7, 4), [7, 7], strategy="beam_search", beam_width=8, top_paths=2,
       mask_index=1)
decode("ctc_decode ties", np.zeros((1, 3, 3)), [3], strategy="beam_search", beam_width=6, top_paths=4)

write("keras_ctc.json", cases)
