/// C = alpha * A @ B
kernel gemm<T: float>(in T A[M, K], in T B[K, N], out T C[M, N], f32 alpha = 1.0)
{
    grid (m in M, n in N) {                 // one program instance per block of m × block of n
        wide(T) acc[m, n] = 0;              // a tile; its axes are m and n; wide(bf16) is f32
        for (k in K)                        // block by block along K
            acc += dot(A[m, k], B[k, n], k);
        C[m, n] = T(alpha * acc);
    }
}
