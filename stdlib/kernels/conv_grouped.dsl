/// Convolutions of images by groups, channels last, [N, H, W, G, CG]. A group is seldom as many columns as a register tile has; known at compile time they
/// leave registers to more rows, and nothing is masked: conv.dsl, which learns their number at a launch, computes a tile of 6 rows by one vector of 16 columns
/// where 16 rows fit.
import "std/activate": activate;

/// Y = act(X * F + bias) over images, with groups of CG and KG channels
kernel conv2d_grouped<T: float>(in T X[N, H, W, G, CG], in T F[const R, const S, const CG, G, const KG], in? T bias[G, KG], out T Y[N, P, Q, G, KG],
    const int stride_h = 1, const int stride_w = 1, const int pad_h = 0, const int pad_w = 0, const int dil_h = 1, const int dil_w = 1, const int act = 0)
    where stride_h > 0, dil_h > 0, stride_w > 0, dil_w > 0,
          P == (H + 2 * pad_h - dil_h * (R - 1) - 1) / stride_h + 1,
          Q == (W + 2 * pad_w - dil_w * (S - 1) - 1) / stride_w + 1
{
    grid (n in N, each g in G, p in P, q in Q, k in KG) {
        wide(T) acc[n, p, q, k] = 0;
        for (each r in R) for (each s in S) for (c in CG)
            acc += dot(X[n, p * stride_h + r * dil_h - pad_h, q * stride_w + s * dil_w - pad_w, g, c], F[r, s, c, g, k], c);
        if (bias) acc += widen(bias[g, k]);
        Y[n, p, q, g, k] = T(activate(acc, act, 0));
    }
}

/// dX of it where the stride is 1, and the transposed convolution
kernel conv2d_grouped_dgrad<T: float>(in T dY[N, P, Q, G, KG], in T F[const R, const S, const CG, G, const KG], in? T bias[G, CG], out T dX[N, H, W, G, CG],
    const int pad_h = 0, const int pad_w = 0, const int dil_h = 1, const int dil_w = 1, const int act = 0)
    where dil_h > 0, dil_w > 0, P == H + 2 * pad_h - dil_h * (R - 1), Q == W + 2 * pad_w - dil_w * (S - 1)
{
    grid (n in N, each g in G, h in H, w in W, c in CG) {
        wide(T) acc[n, h, w, c] = 0;
        for (each r in R) for (each s in S) for (k in KG)
            acc += dot(dY[n, h + pad_h - r * dil_h, w + pad_w - s * dil_w, g, k], F[r, s, c, g, k], k);
        if (bias) acc += widen(bias[g, c]);
        dX[n, h, w, g, c] = T(activate(acc, act, 0));
    }
}
