kernel k(in f32 X[N], out f32 Y[N], int n)
{
    grid (i in N) {
        f32 a[i] = 0;
        unroll for (int t = 0; t < n; t += 1) a += X[i];
        Y[i] = a;
    }
}
