/// Depthwise convolutions of images whose channels come before their rows and columns, [N, C, H, W]: every channel of an image is a plane of its own.
/// Lanes run along rows, where windows overlap and reach outside. So some lines of a plane are copied first, with zeros around them, and their columns
/// sorted by place in a stride: what is read then is inside and consecutive, whatever the padding and the strides.
import "std/activate": activate;

const int LINE = 16; // elements of a line of memory

/// Lines h of plane (n, c), the first of them `top` above: column w stands at place (w + pad) % stride, number (w + pad) / stride of these
fn padded<T: float>(in T X[N, C, H, W], int n, int c, int top, const int stride, const int pad, axis y, axis j, axis x, axis h) -> T[y, j, x]
{
    T z[y, j, x] = 0;
    unroll for (int i = 0; i < stride; i += 1) {
        axis k in ceil_div(W - i, stride);
        z[y = h - top, j = (i + pad) % stride, x = k + (i + pad) / stride] = X[n, c, h, k * stride + i];
    }
    return z;
}

/// Columns of a place of the stride: what Q results read, and what `padded` writes; whole lines of memory, so that filling them needs no mask
fn columns(int Q, int W, const int S, const int stride, const int pad, const int dil) -> int
{
    int n = Q + (S - 1) * dil / stride;
    unroll for (int i = 0; i < stride; i += 1)
        n = max(n, ceil_div(W - i, stride) + (i + pad) / stride);
    return ceil_div(n, LINE) * LINE;
}

/// depthwise2d of such images
kernel depthwise2d_planes<T: float>(in T X[N, C, H, W], in T F[C, const R, const S], in? T bias[C], out T Y[N, C, P, Q],
    const int stride_h = 1, const int stride_w = 1, const int pad_h = 0, const int pad_w = 0, const int dil_h = 1, const int dil_w = 1, const int act = 0)
    where stride_h > 0, dil_h > 0, stride_w > 0, dil_w > 0,
          P == (H + 2 * pad_h - dil_h * (R - 1) - 1) / stride_h + 1,
          Q == (W + 2 * pad_w - dil_w * (S - 1) - 1) / stride_w + 1
{
    grid (each n in N, each c in C, p in P) {
        let lines = (p.size - 1) * stride_h + (R - 1) * dil_h + 1, top = p.first * stride_h - pad_h;
        axis q in Q, y in lines, j in stride_w, x in columns(Q, W, S, stride_w, pad_w, dil_w), h in H from top until top + lines;
        let z = padded(X, n, c, top, stride_w, pad_w, y, j, x, h);
        wide(T) acc[p, q] = 0;
        for (each r in R) for (each s in S)
            acc += widen(z[y = (p - p.first) * stride_h + r * dil_h, j = s * dil_w % stride_w, x = q + s * dil_w / stride_w]) * widen(F[c, r, s]);
        if (bias) acc += widen(bias[c]);
        Y[n, c, p, q] = T(activate(acc, act, 0));
    }
}
schedule depthwise2d_planes { p = 32; } // lines whose windows stay in the caches

/// dX of depthwise2d_planes: a convolution of stride 1 of dY, its elements a stride apart and zeros between them
kernel depthwise2d_planes_dgrad<T: float>(in T dY[N, C, P, Q], in T F[C, const R, const S], out T dX[N, C, H, W],
    const int stride_h = 1, const int stride_w = 1, const int pad_h = 0, const int pad_w = 0, const int dil_h = 1, const int dil_w = 1)
    where stride_h > 0, dil_h > 0, stride_w > 0, dil_w > 0,
          P == (H + 2 * pad_h - dil_h * (R - 1) - 1) / stride_h + 1,
          Q == (W + 2 * pad_w - dil_w * (S - 1) - 1) / stride_w + 1
{
    grid (each n in N, each c in C, h in H) {
        let lines = h.size + (R - 1) * dil_h, top = h.first + pad_h - (R - 1) * dil_h, left = (S - 1) * dil_w - pad_w;
        axis w in W, y in lines, x in ceil_div(max(W + (S - 1) * dil_w, (Q - 1) * stride_w + left + 1), LINE) * LINE;
        axis p in P from ceil_div(top, stride_h) until ceil_div(top + lines, stride_h), q in Q;
        T z[y, x] = 0;
        z[y = p * stride_h - top, x = q * stride_w + left] = dY[n, c, p, q];
        wide(T) acc[h, w] = 0;
        for (each r in R) for (each s in S)
            acc += widen(z[y = h - h.first + (R - 1 - r) * dil_h, x = w + (S - 1 - s) * dil_w]) * widen(F[c, r, s]);
        dX[n, c, h, w] = T(acc);
    }
}
schedule depthwise2d_planes_dgrad { h = 32; }

/// dF of depthwise2d_planes
kernel depthwise2d_planes_wgrad<T: float>(in T X[N, C, H, W], in T dY[N, C, P, Q], out T dF[C, const R, const S],
    const int stride_h = 1, const int stride_w = 1, const int pad_h = 0, const int pad_w = 0, const int dil_h = 1, const int dil_w = 1)
    where stride_h > 0, dil_h > 0, stride_w > 0, dil_w > 0,
          P == (H + 2 * pad_h - dil_h * (R - 1) - 1) / stride_h + 1,
          Q == (W + 2 * pad_w - dil_w * (S - 1) - 1) / stride_w + 1
{
    grid (each c in C) {
        axis r in R, s in S;
        wide(T) acc[r, s] = 0;
        for (each n in N) for (p in P) {
            let lines = (p.size - 1) * stride_h + (R - 1) * dil_h + 1, top = p.first * stride_h - pad_h;
            axis q in Q, y in lines, j in stride_w, x in columns(Q, W, S, stride_w, pad_w, dil_w), h in H from top until top + lines;
            let z = padded(X, n, c, top, stride_w, pad_w, y, j, x, h);
            acc += sum(widen(z[y = (p - p.first) * stride_h + r * dil_h, j = s * dil_w % stride_w, x = q + s * dil_w / stride_w]) * widen(dY[n, c, p, q]), p, q);
        }
        dF[c, r, s] = T(acc);
    }
}
schedule depthwise2d_planes_wgrad { p = 32; }
