/// One scale per row, so that its largest element becomes 127 or -127.
kernel quantise_rows(in f32 X[M, K], out i8 Q[M, K], out f32 scale[M])
{
    grid (i in M) {
        axis k in K;
        let x = X[i, k], s = max(abs(x), k) / 127;
        Q[i, k] = i8(s > 0 ? round(x / s) : 0);
        scale[i] = s;
    }
}

/// C = (sa A) (sb B): the sum is exact in 32 bits, the scales come last.
kernel matmul_i8(in i8 A[M, K], in i8 B[K, N], in f32 sa[M], in f32 sb[N], out f32 C[M, N])
{
    grid (m in M, n in N) {
        i32 acc[m, n] = 0;
        for (k in K) acc += dot(A[m, k], B[k, n], k);
        C[m, n] = f32(acc) * sa[m] * sb[n];
    }
}

/// 4-bit weights, one scale and one zero point per G of them, dequantised while they are read.
kernel matmul_w4(in f32 A[M, K], in u4 W[N, K], in f32 S[N, KG], in u4 Z[N, KG], out f32 C[M, N], const int G = 32)
    where KG == ceil_div(K, G)
{
    grid (m in M, n in N) {
        f32 acc[m, n] = 0;
        for (k in K) {
            let w = (f32(W[n, k]) - f32(Z[n, k / G])) * S[n, k / G];
            acc += dot(A[m, k], w, k);
        }
        C[m, n] = acc;
    }
}
