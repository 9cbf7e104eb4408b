/// Moving data: conversion, transposition, joining, padding, gathering, scattering, random numbers.

/// Y = X in the type of Y; any shape and strides, so a copy of a permuted view transposes, into a slice joins.
kernel copy<T: integer | float, U: integer | float>(in T X[M, N], out U Y[M, N])
{
    grid (m in M, n in N) Y[m, n] = U(X[m, n]);
}
kernel fill<T: integer | float>(out T Y[M, N], T value)
{
    grid (m in M, n in N) Y[m, n] = value;
}
/// Y[p, n, m] = X[p, m, n]
kernel transpose<T: any>(in T X[P, M, N], out T Y[P, N, M])
{
    grid (each p in P, m in M, n in N) Y[p, n, m] = X[p, m, n];
}
/// C = A, then B, along the middle dimension
kernel concat<T: any>(in T A[P, M, N], in T B[P, K, N], out T C[P, R, N])
    where R == M + K
{
    grid (each p in P, r in R, n in N) C[p, r, n] = r < M ? A[p, r, n] : B[p, r - M, n];
}
/// Each row of A, then that of B
kernel concat_rows<T: num>(in T A[M, N], in T B[M, K], out T C[M, R])
    where R == N + K
{
    grid (m in M, n in N) C[m, n] = A[m, n];
    grid (m in M, k in K) C[m, N + k] = B[m, k];
}
/// X at (top, left) in Y, `value` around it; a negative position crops.
kernel pad<T: integer | float>(in T X[P, M, N], out T Y[P, U, V], int top, int left, T value)
{
    grid (each p in P, u in U, v in V) Y[p, u, v] = X[p, u - top, v - left] else value;
}
/// Y[m, n] = X[m, I[m, n]]; 0 where an index is out of range
kernel gather<T: any>(in T X[M, K], in i32 I[M, N], out T Y[M, N])
{
    grid (m in M, n in N) Y[m, n] = X[m, I[m, n]];
}
/// Y[m, I[m, n]] += X[m, n]: the gradient of gather. Y starts as the caller gives it.
kernel scatter_add<T: f16 | bf16 | f32>(in T X[M, N], in i32 I[M, N], inout f32 Y[M, K])
{
    grid (m in M, n in N) atomic Y[m, I[m, n]] += f32(X[m, n]);
}
/// Y[perm[n]] = X[n] row by row; perm has no index twice. Rows that it does not name stay.
kernel scatter_rows<T: any>(in i32 perm[N], in T X[N, D], inout T Y[V, D])
    where unique(perm)
{
    grid (n in N, d in D) Y[perm[n], d] = X[n, d];
}
/// low + (high - low) u with u in [0, 1) of 24 bits (Philox, by position), rounded to T: high itself may come out
kernel uniform<T: float>(out T Y[M, N], f32 low, f32 high, u64 seed)
{
    grid (m in M, n in N) Y[m, n] = T(low + (high - low) * rand(seed, m * N + n));
}
/// Normal with this mean and standard deviation (Philox, by position)
kernel normal<T: float>(out T Y[M, N], f32 mean, f32 deviation, u64 seed)
{
    grid (m in M, n in N) Y[m, n] = T(mean + deviation * randn(seed, m * N + n));
}
