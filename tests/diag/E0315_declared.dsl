fn total(f32 x[j], axis j) -> f32 = sum(x, j);
kernel k(in f32 X[M, N], out f32 Y[M])
{
    grid (i in M) {
        axis j in N, l in 4;
        Y[i] = total(X[i, j], l);
    }
}
