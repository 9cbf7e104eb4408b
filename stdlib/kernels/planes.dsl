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
schedule depthwise2d_planes @ avx512 { vector(q) = 8; vector(x) = 16; } // rows of images are seldom whole vectors of 16; two of 8 are as fast on Zen 4

/// Lines of dY that filter row r is paired with in line `stride` · y + i of dX: y + line_of(…), if it is paired with any there
fn line_of(int i, int r, int stride, int pad, int dil) -> int = (i + pad - r * dil) / stride;
fn is_paired(int i, int r, int stride, int pad, int dil) -> bool = (i + pad - r * dil) % stride == 0;

/// The first of them, of all filter rows and all i
fn first_line(const int R, const int stride, const int pad, const int dil) -> int
{
    int n = (stride - 1 + pad) / stride;
    unroll for (int i = 0; i < stride; i += 1) unroll for (int r = 0; r < R; r += 1)
        if (is_paired(i, r, stride, pad, dil)) n = min(n, line_of(i, r, stride, pad, dil));
    return n;
}

/// dX of depthwise2d_planes. Some lines of dY are copied, their elements a stride apart with zeros between and around them. Each line of a stride of dX
/// has its own filter rows, and lanes add no product with a zero that lies between elements: it is none of the gradient's.
kernel depthwise2d_planes_dgrad<T: float>(in T dY[N, C, P, Q], in T F[C, const R, const S], out T dX[N, C, H, W],
    const int stride_h = 1, const int stride_w = 1, const int pad_h = 0, const int pad_w = 0, const int dil_h = 1, const int dil_w = 1)
    where stride_h > 0, dil_h > 0, stride_w > 0, dil_w > 0,
          P == (H + 2 * pad_h - dil_h * (R - 1) - 1) / stride_h + 1,
          Q == (W + 2 * pad_w - dil_w * (S - 1) - 1) / stride_w + 1
{
    grid (each n in N, each c in C, y in ceil_div(H, stride_h)) {
        let low = first_line(R, stride_h, pad_h, dil_h), left = (S - 1) * dil_w - pad_w;
        let lines = y.size + (stride_h - 1 + pad_h) / stride_h - low, top = y.first + low;
        axis w in W, l in lines, x in ceil_div(max(W + (S - 1) * dil_w, (Q - 1) * stride_w + left + 1), LINE) * LINE;
        axis p in P from top until top + lines, q in Q;
        T z[l, x] = 0;
        z[l = p - top, x = q * stride_w + left] = dY[n, c, p, q];
        unroll for (int i = 0; i < stride_h; i += 1) {
            wide(T) acc[y, w] = 0;
            if const (stride_h == 1 || dil_h == 1) {
                let r0 = (i + pad_h) % stride_h;
                for (each t in ceil_div(R - r0, stride_h)) for (each s in S) {
                    let on = (w + pad_w - s * dil_w) % stride_w == 0;
                    let a = widen(z[l = y - y.first + (line_of(i, r0, stride_h, pad_h, dil_h) - low - t * dil_h), x = w + (S - 1 - s) * dil_w]);
                    acc = on ? fma(a, widen(F[c, r0 + t * stride_h, s]), acc) : acc;
                }
            } else {
                unroll for (each r in R) if const (is_paired(i, r, stride_h, pad_h, dil_h)) for (each s in S) {
                    let on = (w + pad_w - s * dil_w) % stride_w == 0;
                    let a = widen(z[l = y - y.first + (line_of(i, r, stride_h, pad_h, dil_h) - low), x = w + (S - 1 - s) * dil_w]);
                    acc = on ? fma(a, widen(F[c, r, s]), acc) : acc;
                }
            }
            dX[n, c, y * stride_h + i, w] = T(acc);
        }
    }
}
schedule depthwise2d_planes_dgrad { y = 32; }
schedule depthwise2d_planes_dgrad @ avx512 { vector(w) = 8; vector(x) = 16; }

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
schedule depthwise2d_planes_wgrad @ avx512 { vector(q) = 8; vector(x) = 16; }

/// dF of conv2d_groups_planes: each plane is copied once for the KG filters of its group
kernel conv2d_groups_planes_wgrad<T: float>(in T X[N, C, H, W], in T dY[N, K, P, Q], out T dF[K, CG, const R, const S],
    const int stride_h = 1, const int stride_w = 1, const int pad_h = 0, const int pad_w = 0, const int dil_h = 1, const int dil_w = 1, const int KG = 1)
    where stride_h > 0, dil_h > 0, stride_w > 0, dil_w > 0, KG > 0, CG > 0, C % CG == 0, K == C / CG * KG,
          P == (H + 2 * pad_h - dil_h * (R - 1) - 1) / stride_h + 1,
          Q == (W + 2 * pad_w - dil_w * (S - 1) - 1) / stride_w + 1
{
    grid (each g in C / CG, each a in CG) {
        axis k in KG, r in R, s in S;
        wide(T) acc[k, r, s] = 0;
        for (each n in N) for (p in P) {
            let lines = (p.size - 1) * stride_h + (R - 1) * dil_h + 1, top = p.first * stride_h - pad_h;
            axis q in Q, y in lines, j in stride_w, x in columns(Q, W, S, stride_w, pad_w, dil_w), h in H from top until top + lines;
            let z = padded(X, n, g * CG + a, top, stride_w, pad_w, y, j, x, h);
            acc += sum(widen(z[y = (p - p.first) * stride_h + r * dil_h, j = s * dil_w % stride_w, x = q + s * dil_w / stride_w]) *
                       widen(dY[n, g * KG + k, p, q]), p, q);
        }
        dF[g * KG + k, a, r, s] = T(acc);
    }
}
schedule conv2d_groups_planes_wgrad { p = 32; }
schedule conv2d_groups_planes_wgrad @ avx512 { vector(q) = 8; vector(x) = 16; }

/// What `padded` gives, of as many planes as axis c has points
fn padded_group<T: float>(in T X[N, C, H, W], int n, int first, int top, const int stride, const int pad, axis c, axis y, axis j, axis x, axis h) -> T[c, y, j, x]
{
    T z[c, y, j, x] = 0;
    unroll for (int i = 0; i < stride; i += 1) {
        axis k in ceil_div(W - i, stride);
        z[c = c, y = h - top, j = (i + pad) % stride, x = k + (i + pad) / stride] = X[n, first + c, h, k * stride + i];
    }
    return z;
}

/// conv2d_groups of such images, the filter's channels in front as well
kernel conv2d_groups_planes<T: float>(in T X[N, C, H, W], in T F[C, const CG, const R, const S], in? T bias[C], out T Y[N, C, P, Q],
    const int stride_h = 1, const int stride_w = 1, const int pad_h = 0, const int pad_w = 0, const int dil_h = 1, const int dil_w = 1, const int act = 0)
    where CG > 0, C % CG == 0,
          stride_h > 0, dil_h > 0, stride_w > 0, dil_w > 0,
          P == (H + 2 * pad_h - dil_h * (R - 1) - 1) / stride_h + 1,
          Q == (W + 2 * pad_w - dil_w * (S - 1) - 1) / stride_w + 1
{
    grid (each n in N, each g in C / CG, p in P) {
        let lines = (p.size - 1) * stride_h + (R - 1) * dil_h + 1, top = p.first * stride_h - pad_h;
        axis k in CG, c in CG, q in Q, y in lines, j in stride_w, x in columns(Q, W, S, stride_w, pad_w, dil_w), h in H from top until top + lines;
        let z = padded_group(X, n, g * CG, top, stride_w, pad_w, c, y, j, x, h);
        wide(T) acc[k, p, q] = 0;
        for (each a in CG) for (each r in R) for (each s in S)
            acc += widen(z[c = a, y = (p - p.first) * stride_h + r * dil_h, j = s * dil_w % stride_w, x = q + s * dil_w / stride_w]) * widen(F[g * CG + k, a, r, s]);
        if (bias) acc += widen(bias[g * CG + k]);
        Y[n, g * CG + k, p, q] = T(activate(acc, act, 0));
    }
}
schedule conv2d_groups_planes { p = 32; }
schedule conv2d_groups_planes @ avx512 { vector(q) = 8; vector(x) = 16; }

/// dX of it, and the transposed convolution; see depthwise2d_planes_dgrad
kernel conv2d_groups_planes_dgrad<T: float>(in T dY[N, C, P, Q], in T F[C, const CG, const R, const S], in? T bias[C], out T dX[N, C, H, W],
    const int stride_h = 1, const int stride_w = 1, const int pad_h = 0, const int pad_w = 0, const int dil_h = 1, const int dil_w = 1, const int act = 0)
    where CG > 0, C % CG == 0,
          stride_h > 0, dil_h > 0, stride_w > 0, dil_w > 0, stride_h == 1 || dil_h == 1,
          P == (H + 2 * pad_h - dil_h * (R - 1) - 1) / stride_h + 1,
          Q == (W + 2 * pad_w - dil_w * (S - 1) - 1) / stride_w + 1
{
    grid (each n in N, each g in C / CG, y in ceil_div(H, stride_h)) {
        let low = first_line(R, stride_h, pad_h, dil_h), left = (S - 1) * dil_w - pad_w;
        let lines = y.size + (stride_h - 1 + pad_h) / stride_h - low, top = y.first + low;
        axis k in CG, c in CG, w in W, l in lines, x in ceil_div(max(W + (S - 1) * dil_w, (Q - 1) * stride_w + left + 1), LINE) * LINE;
        axis p in P from top until top + lines, q in Q;
        T z[c, l, x] = 0;
        z[c = c, l = p - top, x = q * stride_w + left] = dY[n, g * CG + c, p, q];
        unroll for (int i = 0; i < stride_h; i += 1) {
            let r0 = (i + pad_h) % stride_h;
            wide(T) acc[k, y, w] = 0;
            for (each a in CG) for (each t in ceil_div(R - r0, stride_h)) for (each s in S) {
                let on = (w + pad_w - s * dil_w) % stride_w == 0;
                let v = widen(z[c = a, l = y - y.first + (line_of(i, r0, stride_h, pad_h, dil_h) - low - t * dil_h), x = w + (S - 1 - s) * dil_w]);
                acc = on ? fma(v, widen(F[g * CG + a, k, r0 + t * stride_h, s]), acc) : acc;
            }
            if (bias) acc += widen(bias[g * CG + k]);
            dX[n, g * CG + k, y * stride_h + i, w] = T(activate(acc, act, 0));
        }
    }
}
schedule conv2d_groups_planes_dgrad { y = 32; vector(q) = 16; } // not along channels, which are few, although elements are put apart
schedule conv2d_groups_planes_dgrad @ avx512 { vector(w) = 8; vector(x) = 16; }
