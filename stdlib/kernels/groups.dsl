/// Convolutions of images [N, H, W, C] in groups of a few channels, as many output as input channels in each. Products in registers would leave most
/// lanes empty. Here lanes run along all channels, of several groups side by side, and channel k of its group is the same shuffle for every lane:
///
///   Y[…, c] += X[…, c / CG * CG + k] * F[r, s, k, c]      k in CG
import "std/activate": activate;

/// conv2d with groups of CG channels
kernel conv2d_groups<T: float>(in T X[N, H, W, C], in T F[const R, const S, const CG, C], in? T bias[C], out T Y[N, P, Q, C],
    const int stride_h = 1, const int stride_w = 1, const int pad_h = 0, const int pad_w = 0, const int dil_h = 1, const int dil_w = 1, const int act = 0)
    where CG > 0, C % CG == 0,
          stride_h > 0, dil_h > 0, stride_w > 0, dil_w > 0,
          P == (H + 2 * pad_h - dil_h * (R - 1) - 1) / stride_h + 1,
          Q == (W + 2 * pad_w - dil_w * (S - 1) - 1) / stride_w + 1
{
    grid (each n in N, p in P, q in Q, c in C) {
        wide(T) y[p, q, c] = 0;
        for (each k in CG) for (each r in R) for (each s in S)
            y += widen(X[n, p * stride_h + r * dil_h - pad_h, q * stride_w + s * dil_w - pad_w, c / CG * CG + k]) * widen(F[r, s, k, c]);
        if (bias) y += widen(bias[c]);
        Y[n, p, q, c] = T(activate(y, act, 0));
    }
}
schedule conv2d_groups { c = 64; } // blocks begin with a whole group and a whole vector

/// dX of it, and the transposed convolution. Filter positions that reach a place of a stride lie whole strides apart, from the first on, unless both
/// steps are larger than one; the places are computed one after the other, each from its own positions.
kernel conv2d_groups_dgrad<T: float>(in T dY[N, P, Q, C], in T F[const R, const S, const CG, C], in? T bias[C], out T dX[N, H, W, C],
    const int stride_h = 1, const int stride_w = 1, const int pad_h = 0, const int pad_w = 0, const int dil_h = 1, const int dil_w = 1, const int act = 0)
    where CG > 0, C % CG == 0,
          stride_h > 0, dil_h > 0, stride_w > 0, dil_w > 0, stride_h == 1 || dil_h == 1, stride_w == 1 || dil_w == 1,
          P == (H + 2 * pad_h - dil_h * (R - 1) - 1) / stride_h + 1,
          Q == (W + 2 * pad_w - dil_w * (S - 1) - 1) / stride_w + 1
{
    temp T turned[R, S, CG, C]; // the channels of each group exchanged: lanes along c read what lies side by side
    grid (each r in R, each s in S, each k in CG, c in C) turned[r, s, k, c] = F[r, s, c % CG, c / CG * CG + k];
    grid (each n in N, y in ceil_div(H, stride_h), x in ceil_div(W, stride_w), c in C) {
        unroll for (int i = 0; i < stride_h; i += 1) unroll for (int j = 0; j < stride_w; j += 1) {
            wide(T) acc[y, x, c] = 0;
            let r0 = (i + pad_h) % stride_h, s0 = (j + pad_w) % stride_w;
            let p0 = y + (i + pad_h - r0 * dil_h) / stride_h, q0 = x + (j + pad_w - s0 * dil_w) / stride_w;
            for (each k in CG) for (each t in ceil_div(R - r0, stride_h)) for (each v in ceil_div(S - s0, stride_w))
                acc += widen(dY[n, p0 - t * dil_h, q0 - v * dil_w, c / CG * CG + k]) * widen(turned[r0 + t * stride_h, s0 + v * stride_w, k, c]);
            if (bias) acc += widen(bias[c]);
            dX[n, y * stride_h + i, x * stride_w + j, c] = T(activate(acc, act, 0));
        }
    }
}
schedule conv2d_groups_dgrad { c = 64; }
