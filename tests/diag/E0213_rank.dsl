kernel k(in f32 A[M, K], out f32 Y[M])
{
    grid (each b in M, m in M) {
        axis k in K;
        Y[m] = sum(A[b, m, k], k);
    }
}
