kernel k(in f32 X[N], in i32 A[N], out f32 Y[N])
{
    grid (i in N) Y[i] = A[i] + X[i];
}
