kernel gemm(in f32 A[M, K], in f32 B[K, N], out f32 C[M, N])
{
    grid (m in M, n in N) {
        f32 acc[m, n] = 0;
        for (k in K) acc += dot(A[m, k], B[k, n]);
        C[m, n] = acc;
    }
}
