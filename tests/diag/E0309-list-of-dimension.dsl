kernel weighted(in f32 X[N], out f32 Y[N, K])
{
    grid (i in N) {
        axis k in K;
        f32 w[k] = {0.25, 0.5, 0.25};
        Y[i, k] = X[i] * w;
    }
}
