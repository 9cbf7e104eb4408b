kernel act(in f32 X[N], out f32 Y[N])
{
    grid (i in N) Y[i] = __expf(X[i]) + fmaxf(X[i], 0.0) + powf(X[i], 2.0);
}
