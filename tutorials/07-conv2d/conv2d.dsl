/// Convolution in NHWC order with filters [R, S, C, K].
kernel conv2d<T: float>(in T X[N, H, W, C], in T F[const R, const S, C, K], out T Y[N, P, Q, K],
                        const int stride = 1, const int pad = 0, const int dilation = 1)
    where P == (H + 2 * pad - dilation * (R - 1) - 1) / stride + 1, Q == (W + 2 * pad - dilation * (S - 1) - 1) / stride + 1
{
    grid (each n in N, p in P, q in Q, k in K) {
        wide(T) acc[p, q, k] = 0;
        for (each r in R) for (each s in S) for (c in C)
            acc += dot(X[n, p*stride + r*dilation - pad, q*stride + s*dilation - pad, c], F[r, s, c, k], c);
        Y[n, p, q, k] = T(acc);
    }
}
