kernel k(in i32 X[N], out f32 Y[N])
{
    grid (i in N) Y[i] = f32(exp(X[i]));
}
