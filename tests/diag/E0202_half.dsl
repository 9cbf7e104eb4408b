kernel k(in f16 X[N], out f16 Y[N])
{
    grid (i in N) {
        half x = X[i];
        Y[i] = x;
    }
}
