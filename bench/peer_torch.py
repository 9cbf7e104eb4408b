"""PyTorch as a peer of tegula_bench: reads one request per line, answers with the seconds it took.

A request is "THREADS CALLS CASE ARGUMENTS…", the answer is total seconds, or -1 if the case cannot be run.
With the argument "cpu" it answers with processor time. Results go to tensors that exist already, where PyTorch lets
them, so that page faults of new memory do not count.
Tensors of the last few cases are kept, those that are measured by turns: only the first request of a case pays.
"""
import ctypes
import sys
import time

import torch

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}


def gemm(dtype, m, n, k):
    a = torch.rand(int(m), int(k)).to(DTYPES[dtype])
    b = torch.rand(int(k), int(n)).to(DTYPES[dtype])
    c = torch.empty(int(m), int(n), dtype=DTYPES[dtype])
    return lambda: torch.mm(a, b, out=c)


def rows(operation):
    """A case over M rows of N; operation(x, z, y, line) is what is called."""

    def prepare(m, n):
        m, n = int(m), int(n)
        return operation(torch.rand(m, n), torch.rand(m, n), torch.empty(m, n), torch.rand(n))

    return prepare


ROWS = {
    "copy": lambda x, z, y, line: lambda: y.copy_(x),
    "add": lambda x, z, y, line: lambda: torch.add(x, z, out=y),
    "exp": lambda x, z, y, line: lambda: torch.exp(x, out=y),
    "sum": lambda x, z, y, line: lambda: torch.sum(x, 1),
    "softmax": lambda x, z, y, line: lambda: torch._softmax(x, 1, False, out=y),
    "gelu": lambda x, z, y, line: lambda: torch._C._nn.gelu(x, approximate="tanh", out=y),
    "layernorm": lambda x, z, y, line: lambda: torch.nn.functional.layer_norm(x, line.shape, line, line),
}


def attention_operands(heads, length, width):
    return (torch.rand(1, int(heads), int(length), int(width)) for _ in range(3))


def attention_naive(*shape):
    """As one writes it: two products and a softmax, each with a new tensor for its result."""
    q, k, v = attention_operands(*shape)
    scale = q.shape[-1] ** -0.5
    return lambda: torch.softmax(q @ k.transpose(-2, -1) * scale, -1) @ v


def attention_fused(heads, length, width, causal):
    """PyTorch's own attention kernel, since PyTorch 2."""
    q, k, v = attention_operands(heads, length, width)
    fused = torch.nn.functional.scaled_dot_product_attention
    return lambda: fused(q, k, v, is_causal=causal == "1")


def attention(heads, length, width, causal):
    """Two products and a softmax over the whole matrix of scores, in tensors that exist already."""
    h, s, d = int(heads), int(length), int(width)
    q, k, v = (torch.rand(h, s, d) for _ in range(3))
    scores, weights, out = torch.empty(h, s, s), torch.empty(h, s, s), torch.empty(h, s, d)
    mask = torch.full((s, s), float("-inf")).triu(1)
    scale = d**-0.5

    def run():
        torch.bmm(q, k.transpose(1, 2), out=scores)
        scores.mul_(scale)
        if causal == "1":
            scores.add_(mask)
        torch._softmax(scores, 2, False, out=weights)
        torch.bmm(weights, v, out=out)

    return run


def conv(c, size, k, r, stride, pad, groups, layout):
    """Convolution of one image; NHWC is PyTorch's channels_last."""
    c, size, k, r, groups = int(c), int(size), int(k), int(r), int(groups)
    x, f = torch.rand(1, c, size, size), torch.rand(k, c // groups, r, r)
    if layout == "nhwc":
        x, f = (t.contiguous(memory_format=torch.channels_last) for t in (x, f))
    return lambda: torch.conv2d(x, f, None, int(stride), int(pad), 1, groups)


CASES = {
    "gemm": gemm,
    "conv": conv,
    "attention": attention,
    "attention_naive": attention_naive,
    "attention_fused": attention_fused,
    **{name: rows(f) for name, f in ROWS.items()},
}


def set_threads(n):
    """PyTorch's own threads, and those of the BLAS it was linked with, which keeps its own count."""
    torch.set_num_threads(n)
    for name in ("libopenblas.so.0", "libblas.so.3"):
        try:
            ctypes.CDLL(name).openblas_set_num_threads(n)
        except (OSError, AttributeError):
            pass


def prepare(what, prepared):
    """Makes a case and calls it once; forgets the oldest beyond those one row of the benchmark can have."""
    run = CASES[what[0]](*what[1:])
    run()
    if len(prepared) >= 3:
        del prepared[next(iter(prepared))]
    prepared[tuple(what)] = run
    return run


def main():
    clock = time.process_time if sys.argv[1:] == ["cpu"] else time.perf_counter
    print("torch", torch.__version__, flush=True)
    prepared = {}
    for line in sys.stdin:
        threads, calls, *what = line.split()
        set_threads(int(threads))
        try:
            with torch.inference_mode():
                run = prepared.get(tuple(what)) or prepare(what, prepared)
                start = clock()
                for _ in range(int(calls)):
                    run()
                seconds = clock() - start
        except (RuntimeError, KeyError, AttributeError) as error:
            print(f"peer_torch: {what}: {error}", file=sys.stderr)
            seconds = -1.0
        print(seconds, flush=True)


main()
