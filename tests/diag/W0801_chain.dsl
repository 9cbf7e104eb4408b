kernel k(in bf16 A[N], in bf16 B[N], out bf16 Y[N])
{
    grid (i in N) Y[i] = A[i] * B[i] + (A[i] - B[i]) * A[i];
}
