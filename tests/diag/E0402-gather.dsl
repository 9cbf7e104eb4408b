kernel scatter(in f32 X[N], in i32 to[N], out f32 Y[N])
{
    grid (i in N) Y[to[i]] = X[i];
}
