kernel gemm(in f32 A[M, K], in f32 B[K, N], out f32 C[M, N]) {
    grid (m in M, n in N) C[m, n] = dot(A[m, k], B[k, n], k);
}
