kernel k(in f32 X[M, N], out f32 Y[M])
{
    grid (i in M) {
        axis j in N;
        let x = X[i, j];
        Y[i] = x;
    }
}
