/// C = alpha * A @ B
kernel gemm<T: float>(in T A[M, K], in T B[K, N], out T C[M, N], f32 alpha = 1.0)
{
    grid (m in M, n in N) {
        wide(T) acc[m, n] = 0;
        for (k in K) acc += dot(A[m, k], B[k, n], k);
        C[m, n] = T(alpha * acc);
    }
}

kernel pick(in f32 X[V, D], in i32 ids[N], out f32 Y[N, D])
    where ids < V
{
    grid (i in N, d in D) Y[i, d] = X[ids[i], d];
}

kernel repeat_rows(in f32 X[N], out f32 Y[M, N])
    where M == N / 2 + 3
{
    grid (i in M, j in N) Y[i, j] = X[j];
}
