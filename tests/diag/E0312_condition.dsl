kernel k(in f32 X[N], out f32 Y[N])
{
    grid (i in N) {
        f32 y[i] = 0;
        if (X[i] > 0) y = X[i];
        Y[i] = y;
    }
}
