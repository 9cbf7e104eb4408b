kernel k(in f32 A[M, N], out f32 C[M, N])
{
    grid (m in M, n in N) C[m, n] += A[m, n];
}
