kernel k(in f32 X[M, N], out f32 Y[M])
{
    grid (i in M) {
        axis j in N;
        f32 m[i] = 0;
        let s = X[i, j] * 2;
        m = s;
        Y[i] = m;
    }
}
