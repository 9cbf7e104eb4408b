kernel k(in f32 X[M, N], out f32 Y[M])
{
    grid (i in M) {
        f32 a[i] = 0;
        for (k in N) a += sum(X[i, k], k);
        f32 b[i, k] = 0;
        Y[i] = a;
    }
}
