kernel k(in f32 X[N], out f32 Y[N])
{
    grid (i in N) {
        var x = X[i];
        Y[i] = x;
    }
}
