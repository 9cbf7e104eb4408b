/// Convolutions of sequences, images and volumes, channels last: X[N, spatial…, C], F[filter…, C / groups, K], Y[N, spatial…, K].
/// Positions outside X are zero. Nothing is unfolded: the whole sum over filter and channels is one contraction.
import "std/activate": activate;

/// Y = act(X * F + bias) over sequences
kernel conv1d<T: float>(in T X[N, W, C], in T F[const S, CG, K], in? T bias[K], out T Y[N, Q, K],
    const int stride_w = 1, const int pad_w = 0, const int dil_w = 1, const int groups = 1, const int act = 0)
    where groups > 0, CG * groups == C, K % groups == 0,
          stride_w > 0, dil_w > 0,
          Q == (W + 2 * pad_w - dil_w * (S - 1) - 1) / stride_w + 1
{
    grid (n in N, each g in groups, q in Q, k in K / groups) {
        wide(T) acc[n, q, k] = 0;
        for (each s in S) for (c in CG)
            acc += dot(X[n, q * stride_w + s * dil_w - pad_w, g * CG + c], F[s, c, g * (K / groups) + k], c);
        if (bias) acc += widen(bias[g * (K / groups) + k]);
        Y[n, q, g * (K / groups) + k] = T(activate(acc, act, 0));
    }
}

/// The filter positions r that reach a place are those with place - r dil divisible by the stride: from the first on every
/// tap_step-th, or none.
fn tap_step(int stride, int dil) -> int = stride / gcd(stride, dil);
fn first_tap(int place, const int stride, const int dil) -> int
{
    if const (stride == 1 || dil == 1) return place % stride;
    for (int r = 0; r < stride; r += 1)
        if ((place - r * dil) % stride == 0) return r;
    return 1 << 30;
}

/// dX, and the transposed convolution act(Y *^T F + bias): every position of X gathers what it was part of.
kernel conv1d_dgrad<T: float>(in T dY[N, Q, K], in T F[const S, CG, K], in? T bias[C], out T dX[N, W, C],
    const int stride_w = 1, const int pad_w = 0, const int dil_w = 1, const int groups = 1, const int act = 0)
    where groups > 0, CG * groups == C, K % groups == 0,
          stride_w > 0, dil_w > 0,
          Q == (W + 2 * pad_w - dil_w * (S - 1) - 1) / stride_w + 1
{
    grid (n in N, each g in groups, each j in stride_w, x in ceil_div(W, stride_w), c in CG) {
        wide(T) acc[n, x, c] = 0;
        let s0 = first_tap(j + pad_w, stride_w, dil_w), ds = tap_step(stride_w, dil_w);
        let q0 = x + (j + pad_w - s0 * dil_w) / stride_w, dq = ds * dil_w / stride_w;
        for (each v in ceil_div(S - s0, ds)) for (k in K / groups)
            acc += dot(dY[n, q0 - v * dq, g * (K / groups) + k], F[s0 + v * ds, c, g * (K / groups) + k], k);
        if (bias) acc += widen(bias[g * CG + c]);
        dX[n, x * stride_w + j, g * CG + c] = T(activate(acc, act, 0));
    }
}

/// dF: a product of windows of the images and dY over all images and output positions
kernel conv1d_wgrad<T: float>(in T X[N, W, C], in T dY[N, Q, K], out T dF[const S, CG, K],
    const int stride_w = 1, const int pad_w = 0, const int dil_w = 1, const int groups = 1)
    where groups > 0, CG * groups == C, K % groups == 0,
          stride_w > 0, dil_w > 0,
          Q == (W + 2 * pad_w - dil_w * (S - 1) - 1) / stride_w + 1
{
    grid (each g in groups, s in S, c in CG, k in K / groups) {
        wide(T) acc[s, c, k] = 0;
        for (each n in N) for (q in Q)
            acc += dot(X[n, q * stride_w + s * dil_w - pad_w, g * CG + c], dY[n, q, g * (K / groups) + k], q);
        dF[s, c, g * (K / groups) + k] = T(acc);
    }
}

/// Y = act(X * F + bias) over images
kernel conv2d<T: float>(in T X[N, H, W, C], in T F[const R, const S, CG, K], in? T bias[K], out T Y[N, P, Q, K],
    const int stride_h = 1, const int stride_w = 1, const int pad_h = 0, const int pad_w = 0, const int dil_h = 1, const int dil_w = 1, const int groups = 1, const int act = 0)
    where groups > 0, CG * groups == C, K % groups == 0,
          stride_h > 0, dil_h > 0, stride_w > 0, dil_w > 0,
          P == (H + 2 * pad_h - dil_h * (R - 1) - 1) / stride_h + 1,
          Q == (W + 2 * pad_w - dil_w * (S - 1) - 1) / stride_w + 1
{
    grid (n in N, each g in groups, p in P, q in Q, k in K / groups) {
        wide(T) acc[n, p, q, k] = 0;
        for (each r in R) for (each s in S) for (c in CG)
            acc += dot(X[n, p * stride_h + r * dil_h - pad_h, q * stride_w + s * dil_w - pad_w, g * CG + c], F[r, s, c, g * (K / groups) + k], c);
        if (bias) acc += widen(bias[g * (K / groups) + k]);
        Y[n, p, q, g * (K / groups) + k] = T(activate(acc, act, 0));
    }
}

/// dX, and the transposed convolution act(Y *^T F + bias): every position of X gathers what it was part of.
kernel conv2d_dgrad<T: float>(in T dY[N, P, Q, K], in T F[const R, const S, CG, K], in? T bias[C], out T dX[N, H, W, C],
    const int stride_h = 1, const int stride_w = 1, const int pad_h = 0, const int pad_w = 0, const int dil_h = 1, const int dil_w = 1, const int groups = 1, const int act = 0)
    where groups > 0, CG * groups == C, K % groups == 0,
          stride_h > 0, dil_h > 0, stride_w > 0, dil_w > 0,
          P == (H + 2 * pad_h - dil_h * (R - 1) - 1) / stride_h + 1,
          Q == (W + 2 * pad_w - dil_w * (S - 1) - 1) / stride_w + 1
{
    grid (n in N, each g in groups, each i in stride_h, each j in stride_w, y in ceil_div(H, stride_h), x in ceil_div(W, stride_w), c in CG) {
        wide(T) acc[n, y, x, c] = 0;
        let r0 = first_tap(i + pad_h, stride_h, dil_h), s0 = first_tap(j + pad_w, stride_w, dil_w);
        let dr = tap_step(stride_h, dil_h), ds = tap_step(stride_w, dil_w), dp = dr * dil_h / stride_h, dq = ds * dil_w / stride_w;
        let p0 = y + (i + pad_h - r0 * dil_h) / stride_h, q0 = x + (j + pad_w - s0 * dil_w) / stride_w;
        for (each t in ceil_div(R - r0, dr)) for (each v in ceil_div(S - s0, ds)) for (k in K / groups)
            acc += dot(dY[n, p0 - t * dp, q0 - v * dq, g * (K / groups) + k], F[r0 + t * dr, s0 + v * ds, c, g * (K / groups) + k], k);
        if (bias) acc += widen(bias[g * CG + c]);
        dX[n, y * stride_h + i, x * stride_w + j, g * CG + c] = T(activate(acc, act, 0));
    }
}

/// dF: a product of windows of the images and dY over all images and output positions
kernel conv2d_wgrad<T: float>(in T X[N, H, W, C], in T dY[N, P, Q, K], out T dF[const R, const S, CG, K],
    const int stride_h = 1, const int stride_w = 1, const int pad_h = 0, const int pad_w = 0, const int dil_h = 1, const int dil_w = 1, const int groups = 1)
    where groups > 0, CG * groups == C, K % groups == 0,
          stride_h > 0, dil_h > 0, stride_w > 0, dil_w > 0,
          P == (H + 2 * pad_h - dil_h * (R - 1) - 1) / stride_h + 1,
          Q == (W + 2 * pad_w - dil_w * (S - 1) - 1) / stride_w + 1
{
    grid (each g in groups, r in R, s in S, c in CG, k in K / groups) {
        wide(T) acc[r, s, c, k] = 0;
        for (each n in N) for (p in P) for (q in Q)
            acc += dot(X[n, p * stride_h + r * dil_h - pad_h, q * stride_w + s * dil_w - pad_w, g * CG + c], dY[n, p, q, g * (K / groups) + k], p, q);
        dF[r, s, c, g * (K / groups) + k] = T(acc);
    }
}

/// Y = act(X * F + bias) over volumes
kernel conv3d<T: float>(in T X[N, D, H, W, C], in T F[const U, const R, const S, CG, K], in? T bias[K], out T Y[N, O, P, Q, K],
    const int stride_d = 1, const int stride_h = 1, const int stride_w = 1, const int pad_d = 0, const int pad_h = 0, const int pad_w = 0, const int dil_d = 1, const int dil_h = 1, const int dil_w = 1, const int groups = 1, const int act = 0)
    where groups > 0, CG * groups == C, K % groups == 0,
          stride_d > 0, dil_d > 0, stride_h > 0, dil_h > 0, stride_w > 0, dil_w > 0,
          O == (D + 2 * pad_d - dil_d * (U - 1) - 1) / stride_d + 1,
          P == (H + 2 * pad_h - dil_h * (R - 1) - 1) / stride_h + 1,
          Q == (W + 2 * pad_w - dil_w * (S - 1) - 1) / stride_w + 1
{
    grid (each n in N, each g in groups, o in O, p in P, q in Q, k in K / groups) {
        wide(T) acc[o, p, q, k] = 0;
        for (each u in U) for (each r in R) for (each s in S) for (c in CG)
            acc += dot(X[n, o * stride_d + u * dil_d - pad_d, p * stride_h + r * dil_h - pad_h, q * stride_w + s * dil_w - pad_w, g * CG + c], F[u, r, s, c, g * (K / groups) + k], c);
        if (bias) acc += widen(bias[g * (K / groups) + k]);
        Y[n, o, p, q, g * (K / groups) + k] = T(activate(acc, act, 0));
    }
}

/// dX, and the transposed convolution act(Y *^T F + bias): every position of X gathers what it was part of.
kernel conv3d_dgrad<T: float>(in T dY[N, O, P, Q, K], in T F[const U, const R, const S, CG, K], in? T bias[C], out T dX[N, D, H, W, C],
    const int stride_d = 1, const int stride_h = 1, const int stride_w = 1, const int pad_d = 0, const int pad_h = 0, const int pad_w = 0, const int dil_d = 1, const int dil_h = 1, const int dil_w = 1, const int groups = 1, const int act = 0)
    where groups > 0, CG * groups == C, K % groups == 0,
          stride_d > 0, dil_d > 0, stride_h > 0, dil_h > 0, stride_w > 0, dil_w > 0,
          O == (D + 2 * pad_d - dil_d * (U - 1) - 1) / stride_d + 1,
          P == (H + 2 * pad_h - dil_h * (R - 1) - 1) / stride_h + 1,
          Q == (W + 2 * pad_w - dil_w * (S - 1) - 1) / stride_w + 1
{
    grid (each n in N, each g in groups, each place in stride_d * stride_h * stride_w,
          z in ceil_div(D, stride_d), y in ceil_div(H, stride_h), x in ceil_div(W, stride_w), c in CG) {
        let h = place / (stride_h * stride_w), i = place / stride_w % stride_h, j = place % stride_w;
        wide(T) acc[z, y, x, c] = 0;
        let u0 = first_tap(h + pad_d, stride_d, dil_d), r0 = first_tap(i + pad_h, stride_h, dil_h), s0 = first_tap(j + pad_w, stride_w, dil_w);
        let du = tap_step(stride_d, dil_d), dr = tap_step(stride_h, dil_h), ds = tap_step(stride_w, dil_w);
        let dz = du * dil_d / stride_d, dp = dr * dil_h / stride_h, dq = ds * dil_w / stride_w;
        let o0 = z + (h + pad_d - u0 * dil_d) / stride_d, p0 = y + (i + pad_h - r0 * dil_h) / stride_h, q0 = x + (j + pad_w - s0 * dil_w) / stride_w;
        for (each e in ceil_div(U - u0, du)) for (each t in ceil_div(R - r0, dr)) for (each v in ceil_div(S - s0, ds)) for (k in K / groups)
            acc += dot(dY[n, o0 - e * dz, p0 - t * dp, q0 - v * dq, g * (K / groups) + k],
                       F[u0 + e * du, r0 + t * dr, s0 + v * ds, c, g * (K / groups) + k], k);
        if (bias) acc += widen(bias[g * CG + c]);
        unchecked dX[n, z * stride_d + h, y * stride_h + i, x * stride_w + j, g * CG + c] = T(activate(acc, act, 0)); // h, i, j are the digits of a place
    }
}

/// dF: a product of windows of the images and dY over all images and output positions
kernel conv3d_wgrad<T: float>(in T X[N, D, H, W, C], in T dY[N, O, P, Q, K], out T dF[const U, const R, const S, CG, K],
    const int stride_d = 1, const int stride_h = 1, const int stride_w = 1, const int pad_d = 0, const int pad_h = 0, const int pad_w = 0, const int dil_d = 1, const int dil_h = 1, const int dil_w = 1, const int groups = 1)
    where groups > 0, CG * groups == C, K % groups == 0,
          stride_d > 0, dil_d > 0, stride_h > 0, dil_h > 0, stride_w > 0, dil_w > 0,
          O == (D + 2 * pad_d - dil_d * (U - 1) - 1) / stride_d + 1,
          P == (H + 2 * pad_h - dil_h * (R - 1) - 1) / stride_h + 1,
          Q == (W + 2 * pad_w - dil_w * (S - 1) - 1) / stride_w + 1
{
    grid (each g in groups, u in U, r in R, s in S, c in CG, k in K / groups) {
        wide(T) acc[u, r, s, c, k] = 0;
        for (each n in N) for (o in O) for (p in P) for (q in Q)
            acc += dot(X[n, o * stride_d + u * dil_d - pad_d, p * stride_h + r * dil_h - pad_h, q * stride_w + s * dil_w - pad_w, g * CG + c], dY[n, o, p, q, g * (K / groups) + k], o, p, q);
        dF[u, r, s, c, g * (K / groups) + k] = T(acc);
    }
}

/// Depthwise: a filter of its own for every channel
kernel depthwise2d<T: float>(in T X[N, H, W, C], in T F[const R, const S, C], in? T bias[C], out T Y[N, P, Q, C],
    const int stride_h = 1, const int stride_w = 1, const int pad_h = 0, const int pad_w = 0, const int dil_h = 1, const int dil_w = 1, const int act = 0)
    where stride_h > 0, dil_h > 0, stride_w > 0, dil_w > 0,
          P == (H + 2 * pad_h - dil_h * (R - 1) - 1) / stride_h + 1,
          Q == (W + 2 * pad_w - dil_w * (S - 1) - 1) / stride_w + 1
{
    grid (each n in N, p in P, q in Q, c in C) {
        wide(T) y[p, q, c] = 0;
        for (each r in R) for (each s in S)
            y += widen(X[n, p * stride_h + r * dil_h - pad_h, q * stride_w + s * dil_w - pad_w, c]) * widen(F[r, s, c]);
        if (bias) y += widen(bias[c]);
        Y[n, p, q, c] = T(activate(y, act, 0));
    }
}

/// depthwise2d from copies of some lines of 16 channels with zeros around them, so that windows that reach outside need no tests: for large filters
kernel depthwise2d_padded<T: float>(in T X[N, H, W, C], in T F[const R, const S, C], in? T bias[C], out T Y[N, P, Q, C],
    const int stride_h = 1, const int stride_w = 1, const int pad_h = 0, const int pad_w = 0, const int dil_h = 1, const int dil_w = 1, const int act = 0)
    where stride_h > 0, dil_h > 0, stride_w > 0, dil_w > 0,
          P == (H + 2 * pad_h - dil_h * (R - 1) - 1) / stride_h + 1,
          Q == (W + 2 * pad_w - dil_w * (S - 1) - 1) / stride_w + 1
{
    grid (each n in N, p in P, c in C) {
        let lines = (p.size - 1) * stride_h + (R - 1) * dil_h + 1, top = p.first * stride_h - pad_h;
        axis q in Q, y in lines, x in max((Q - 1) * stride_w + (S - 1) * dil_w + 1, W + pad_w), h in H from top until top + lines, w in W;
        T z[y, x, c] = 0;
        z[y = h - top, x = w + pad_w] = X[n, h, w, c];
        wide(T) acc[p, q, c] = 0;
        for (each r in R) for (each s in S)
            acc += widen(z[y = (p - p.first) * stride_h + r * dil_h, x = q * stride_w + s * dil_w]) * widen(F[r, s, c]);
        if (bias) acc += widen(bias[c]);
        Y[n, p, q, c] = T(activate(acc, act, 0));
    }
}
schedule depthwise2d_padded { c = 16; p = 16; }

/// dX of depthwise2d. The places of a stride are computed one after the other, each from the filter positions that reach it.
kernel depthwise2d_dgrad<T: float>(in T dY[N, P, Q, C], in T F[const R, const S, C], out T dX[N, H, W, C],
    const int stride_h = 1, const int stride_w = 1, const int pad_h = 0, const int pad_w = 0, const int dil_h = 1, const int dil_w = 1)
    where stride_h > 0, dil_h > 0, stride_w > 0, dil_w > 0,
          P == (H + 2 * pad_h - dil_h * (R - 1) - 1) / stride_h + 1,
          Q == (W + 2 * pad_w - dil_w * (S - 1) - 1) / stride_w + 1
{
    grid (each n in N, y in ceil_div(H, stride_h), x in ceil_div(W, stride_w), c in C) {
        unroll for (int i = 0; i < stride_h; i += 1) unroll for (int j = 0; j < stride_w; j += 1) {
            wide(T) acc[y, x, c] = 0;
            if const ((stride_h == 1 || dil_h == 1) && (stride_w == 1 || dil_w == 1)) {
                let r0 = (i + pad_h) % stride_h, s0 = (j + pad_w) % stride_w;
                let p0 = y + (i + pad_h - r0 * dil_h) / stride_h, q0 = x + (j + pad_w - s0 * dil_w) / stride_w;
                for (each t in ceil_div(R - r0, stride_h)) for (each v in ceil_div(S - s0, stride_w))
                    acc += widen(dY[n, p0 - t * dil_h, q0 - v * dil_w, c]) * widen(F[r0 + t * stride_h, s0 + v * stride_w, c]);
            } else { // loops over all positions are unrolled, which gains more than products with zeros cost
                for (each r in R) for (each s in S) {
                    let p = y * stride_h + i + pad_h - r * dil_h, q = x * stride_w + j + pad_w - s * dil_w;
                    let on = p % stride_h == 0 && q % stride_w == 0; // floor division makes it exact
                    acc += on ? widen(dY[n, p / stride_h, q / stride_w, c]) * widen(F[r, s, c]) : 0;
                }
            }
            dX[n, y * stride_h + i, x * stride_w + j, c] = T(acc);
        }
    }
}

/// dF of depthwise2d. Some lines of 16 channels are copied with zeros around them, so that what windows read is inside and side by side, and all sums of a
/// channel run through the lines together: each element of dY is read once.
kernel depthwise2d_wgrad<T: float>(in T X[N, H, W, C], in T dY[N, P, Q, C], out T dF[const R, const S, C],
    const int stride_h = 1, const int stride_w = 1, const int pad_h = 0, const int pad_w = 0, const int dil_h = 1, const int dil_w = 1)
    where stride_h > 0, dil_h > 0, stride_w > 0, dil_w > 0,
          P == (H + 2 * pad_h - dil_h * (R - 1) - 1) / stride_h + 1,
          Q == (W + 2 * pad_w - dil_w * (S - 1) - 1) / stride_w + 1
{
    grid (c in C) {
        axis r in R, s in S;
        wide(T) acc[r, s, c] = 0;
        for (each n in N) for (p in P) {
            let lines = (p.size - 1) * stride_h + (R - 1) * dil_h + 1, top = p.first * stride_h - pad_h;
            axis q in Q, y in lines, x in max((Q - 1) * stride_w + (S - 1) * dil_w + 1, W + pad_w), h in H from top until top + lines, w in W;
            T z[y, x, c] = 0;
            z[y = h - top, x = w + pad_w] = X[n, h, w, c];
            acc += sum(widen(z[y = (p - p.first) * stride_h + r * dil_h, x = q * stride_w + s * dil_w]) * widen(dY[n, p, q, c]), p, q);
        }
        dF[r, s, c] = T(acc);
    }
}
schedule depthwise2d_wgrad { c = 16; p = 16; }
