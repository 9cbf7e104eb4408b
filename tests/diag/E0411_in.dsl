kernel k(in f32 A[N], out f32 Y[N])
{
    grid (i in N) {
        A[i] = 0;
        Y[i] = 1;
    }
}
