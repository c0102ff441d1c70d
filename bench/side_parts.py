"""What the sides written in Python share: the numbers of side.hpp, and its questions and answers."""
import gzip
import sys
import time

import numpy as np


def numbers(seed, shape, scale):
    with np.errstate(over="ignore"):
        z = (np.uint64(seed) << np.uint64(32)) + np.arange(int(np.prod(shape)), dtype=np.uint64)
        z += np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    unit = (z >> np.uint64(40)).astype(np.float32) / np.float32(8388608) - np.float32(1)
    return (unit * np.float32(scale)).reshape(shape)


def labels(seed, count):
    return np.minimum(9, ((numbers(seed, (count,), 1) + np.float32(1)) * np.float32(5)).astype(np.int64))


def turns(size):
    return 3 if size > 1000000 else 16


def fashion_mnist(part):
    """Pictures as rows of numbers up to 1, and their labels; part: "train" or "t10k"."""
    def read(name, header):
        with gzip.open(f"/usr/share/datasets/fashion-mnist/{part}-{name}.gz") as file:
            return np.frombuffer(file.read(), np.uint8, offset=header)

    x = read("images-idx3-ubyte", 16).reshape(-1, 784).astype(np.float32) / np.float32(255)
    return x, read("labels-idx1-ubyte", 8).astype(np.int64)


def serve(open_workload):
    """Answers questions from standard input about the workload the command line names, until it ends."""
    variants, check = open_workload(sys.argv[1])
    for line in sys.stdin:
        words = line.split()
        if words[0] == "list":
            print("variants", *(name for name, _, _ in variants), sep="|", flush=True)
        elif words[0] == "run":
            _, step, per = variants[int(words[1])]
            samples, begin = [], time.perf_counter()
            before = begin
            while len(samples) < int(words[3]) and (not samples or before - begin < float(words[2])):
                step()
                after = time.perf_counter()
                samples.append((after - before) / per)
                before = after
            print("samples", *(f"{s:.9g}" for s in samples), flush=True)
        elif words[0] == "values":
            print("values", *(f"{name}={value:.9g}" for name, value in check().items()), sep="|", flush=True)
        else:
            print("unknown question:", line.strip(), flush=True)
