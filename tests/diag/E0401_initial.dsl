kernel k(in f32 X[M, K], out f32 Y[M])
{
    grid (m in M) {
        f32 acc[m];
        for (k in K) acc += sum(X[m, k], k);
        Y[m] = acc;
    }
}
