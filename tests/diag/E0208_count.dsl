fn scale(f32 x, f32 s) -> f32 = x * s;
kernel k(in f32 X[N], out f32 Y[N])
{
    grid (i in N) Y[i] = clamp(X[i], 0) + scale(X[i]);
}
