/// Depthwise convolution: each channel with its own filter. NHWC; filters [R, S, C].
kernel depthwise(in f32 X[N, H, W, C], in f32 F[const R, const S, C], out f32 Y[N, P, Q, C],
                 const int stride = 1, const int pad = 0)
    where P == (H + 2 * pad - R) / stride + 1, Q == (W + 2 * pad - S) / stride + 1
{
    grid (each n in N, p in P, q in Q, c in C) {
        f32 acc[p, q, c] = 0;
        for (each r in R) for (each s in S)
            acc += X[n, p * stride + r - pad, q * stride + s - pad, c] * F[r, s, c];
        Y[n, p, q, c] = acc;
    }
}
