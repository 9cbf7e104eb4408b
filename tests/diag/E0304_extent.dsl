kernel k(in f32 X[M], out f32 Y[M])
{
    grid (i in M) {
        axis j in X;
        Y[i] = X[i];
    }
}
