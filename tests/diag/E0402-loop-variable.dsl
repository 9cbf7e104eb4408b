kernel diagonal(in f32 X[N, M], out f32 Y[N])
{
    grid (each i in N) {
        for (each k in M) Y[i + k] = X[i, k];
    }
}
