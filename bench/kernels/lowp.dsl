/// C = A @ B of 8-bit integers, summed exactly.
kernel gemm_i8<T: i8 | u8>(in T A[M, K], in i8 B[K, N], out i32 C[M, N])
{
    grid (m in M, n in N) {
        i32 acc[m, n] = 0;
        for (k in K)
            acc += dot(A[m, k], B[k, n], k);
        C[m, n] = acc;
    }
}
