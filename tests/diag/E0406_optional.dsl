kernel k(in f32 X[N], in? f32 bias[N], out f32 Y[N])
{
    grid (i in N) Y[i] = X[i] + bias[i];
}
