kernel outer(in f32 X[M], in f32 Y[N], out f32 Z[M, N])
{
    grid (m in M, n in N) Z[m, n] = X[m][:, None] * Y[n][None, :];
}
