kernel gemm(in f32 A[M, K], in f32 B[K, N], out f32 Y[M, N])
{
    grid (m in M, n in N, k in K) Y[m, n] = A[m, k] * B[k, n];
}
