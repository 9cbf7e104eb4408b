kernel k(in f32 X[M, N], out f32 Y[M, N])
{
    grid (i in M, j in N) {
        const int n = M;
        Y[i, j] = X[i, j] * f32(n);
    }
}
