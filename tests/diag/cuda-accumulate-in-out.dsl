kernel rows(in f32 X[M, N], out f32 Y[M])
{
    grid (m in M) {
        for (n in N) Y[m] += sum(X[m, n], n);
    }
}
