kernel gemm(in bf16 A[M, K], in bf16 B[K, N], out bf16 C[M, N])
{
    grid (m in M, n in N) {
        f32 acc[m, n] = 0;
        for (k in K) acc += dot(A[m, k], B[k, n], k);
        C[m, n] = acc;
    }
}
