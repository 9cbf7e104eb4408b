kernel relu(in f32 X[N], out f32 Y[N])
{
    grid (i in N) Y[i] = where(X[i] > 0, X[i], 0.0);
}
