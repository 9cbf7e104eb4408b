kernel k(in f8e4m3 A[N], in f8e4m3 B[N], out f32 Y[N])
{
    grid (i in N) Y[i] = f32(A[i] * B[i]);
}
