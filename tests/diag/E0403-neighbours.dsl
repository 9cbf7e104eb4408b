kernel spread(in f32 X[N], out f32 Y[N])
{
    grid (i in N) {
        Y[i] = X[i];
        Y[i + 1] = X[i];
    }
}
