kernel k(in f32 X[M, N], out f32 Y[M, N])
{
    grid (m in M) { grid (n in N) Y[m, n] = X[m, n]; }
}
