kernel k(in f32 X[N], out f32 Y[N])
{
    grid (i in N) {
        f32 acc[i] = X[i];
        Y[i] = accc;
    }
}
