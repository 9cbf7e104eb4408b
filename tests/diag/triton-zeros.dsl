kernel rows(in f32 X[M, N], out f32 Y[M])
{
    grid (m in M) {
        f32 acc[m] = zeros(m);
        for (n in N) acc += sum(X[m, n], n);
        Y[m] = acc;
    }
}
