kernel row_sums(in f32 X[M, N], out f32 Y[M])
{
    grid (i in M) {
        axis j in N;
        Y[i] = sum(X[i, j]);
    }
}
